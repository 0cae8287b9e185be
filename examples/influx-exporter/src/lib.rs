//! An exporter of one's own: InfluxDB line protocol.
//!
//! A line is a series: `name,label=value field=number,… nanoseconds`. It depends on
//! `metrics-core` alone, since a sample is plain data: names, labels and numbers.

use std::fmt::{Arguments, Write as _};

use metrics_core::{Histogram, Sample, Series, Value};

/// Appends a line for each series of a sample, with the time of the sample.
///
/// Counters and gauges have the field `value`. Histograms have `count` and `sum` since the
/// start, and the percentiles of their window, which an idle series has not. A series
/// without any number is left out, since a line needs one.
pub fn write_lines(sample: &Sample, out: &mut String) {
    // Samples are timed to the millisecond, and the protocol counts nanoseconds.
    let nanos = u128::from(sample.at.as_millis()) * 1_000_000;
    for series in sample.snapshot.series() {
        let start = out.len();
        write_series(&series, out);
        let mut fields = Fields { out, separator: ' ' };
        fields.write(series.value);
        if fields.is_empty() {
            out.truncate(start);
        } else {
            // Nothing that is written to memory fails.
            let _ = writeln!(out, " {nanos}");
        }
    }
}

fn write_series(series: &Series<'_>, out: &mut String) {
    // A metric's name consists of letters, digits and `_`, as do the keys of its labels.
    out.push_str(&series.desc.name);
    // The protocol has no empty values: such a tag is left out.
    for (key, value) in series.labels.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(',');
        out.push_str(key);
        out.push('=');
        write_escaped(value, out);
    }
}

/// Writes a label's value.
///
/// A comma, an equals sign and a space take a backslash before them. There is no escape for
/// a line feed, nor for a backslash, which at the end would take the next separator for its
/// own: the one becomes a space and the other a slash.
fn write_escaped(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            ',' | '=' => out.extend(['\\', c]),
            c if c.is_whitespace() || c.is_control() => out.push_str("\\ "),
            '\\' => out.push('/'),
            c => out.push(c),
        }
    }
}

/// The fields of a line, as they are written.
struct Fields<'a> {
    out: &'a mut String,
    /// A space before the first field, a comma before each other.
    separator: char,
}

impl Fields<'_> {
    fn is_empty(&self) -> bool {
        self.separator == ' '
    }

    fn write(&mut self, value: &Value) {
        match value {
            Value::Counter(count) => self.integer("value", count.total),
            Value::Gauge(value) => self.float("value", Some(*value)),
            Value::Histogram(histogram) => self.histogram(histogram),
            // A later version may have other values.
            _ => {}
        }
    }

    fn histogram(&mut self, histogram: &Histogram) {
        self.integer("count", histogram.count());
        self.float("sum", Some(histogram.sum()));
        let window = histogram.window().buckets();
        for (name, q) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            self.float(name, window.quantile(q));
        }
    }

    fn integer(&mut self, name: &str, value: u64) {
        // Integers of the protocol are signed.
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.field(name, format_args!("{value}i"));
    }

    /// Writes a number, unless it is unknown: the protocol has neither NaN nor infinities.
    fn float(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.field(name, format_args!("{value}"));
        }
    }

    fn field(&mut self, name: &str, value: Arguments<'_>) {
        let _ = write!(self.out, "{}{name}={value}", self.separator);
        self.separator = ',';
    }
}
