//! An example of your own exporter: writes InfluxDB line protocol.
//!
//! Each series becomes a line: `name,label=value field=number,… nanoseconds`. The exporter
//! depends on `metrics-core` alone, since a sample is plain data: names, labels and numbers.

use std::fmt::{Arguments, Write as _};

use node0_metrics_core::{Histogram, Sample, Series, Value};

/// Appends a line for each series of a sample, with the time of the sample.
///
/// Counters and gauges have the field `value`. Histograms have `count` and `sum` since the
/// start, and the percentiles of their window; an idle series has no percentiles. A series
/// without any number is left out, since a line needs at least one field.
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
            // Writing to memory cannot fail.
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
/// Commas, equals signs and spaces are escaped by a backslash. The protocol has no escape for
/// a line feed, so that becomes a space. It has none for a backslash either, and one at the end
/// of a value would escape the separator after it, so a backslash becomes a slash.
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

/// Writes the fields of a line.
struct Fields<'a> {
    out: &'a mut String,
    /// The separator before the next field: a space before the first, a comma before the others.
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
            // A later version of the core may add kinds of values.
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
        // The protocol's integers are signed.
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
