//! Conversion of names to those that Prometheus allows.
//!
//! The facade allows any text as a name; Prometheus allows letters, digits and `_`,
//! and gives some suffixes a meaning. Other characters are replaced so that a name
//! stays recognisable, and a name with such a suffix is made longer: without it, it would be the
//! name of another metric. Two names can still become equal; the directory refuses the second one.

use crate::series::Form;
use crate::unit::Base;

/// The suffixes that are reserved for the samples of counters, histograms and summaries; a gauge
/// or histogram with one of them gets [`APPENDED`].
const RESERVED: [&str; 5] = ["_total", "_count", "_sum", "_bucket", "_created"];

/// Appended to a name that ends in a reserved suffix.
const APPENDED: &str = "_value";

/// Removes invalid characters from a name, and `_total` from a counter's; `None` if nothing is left.
pub(crate) fn stem(name: &str, form: Form) -> Option<String> {
    let mut stem = identifier(name, "metric_")?;
    if form == Form::Counter {
        let rest = stem.strip_suffix("_total").unwrap_or(&stem).trim_end_matches('_');
        stem.truncate(rest.len());
    }
    Some(stem)
}

/// Returns the full name: the stem, the base unit, and `_total` for a counter.
///
/// Any other metric whose name would end in a reserved suffix gets [`APPENDED`].
pub(crate) fn with_unit(mut stem: String, form: Form, base: &Base) -> String {
    for spelling in base.spellings {
        let cut = stem.strip_suffix(spelling).and_then(|rest| rest.strip_suffix('_'));
        if let Some(rest) = cut.filter(|rest| !rest.is_empty()) {
            stem.truncate(rest.len());
            break;
        }
    }
    let has_unit = stem.strip_suffix(base.suffix).is_some_and(|rest| rest.ends_with('_'));
    if !base.suffix.is_empty() && !has_unit {
        stem = format!("{stem}_{}", base.suffix);
    }
    match form {
        Form::Counter => stem + "_total",
        Form::Gauge | Form::Histogram if RESERVED.iter().any(|end| stem.ends_with(end)) => {
            stem + APPENDED
        }
        Form::Gauge | Form::Histogram => stem,
    }
}

/// Converts a label's key; `None` if no character of it is allowed.
pub(crate) fn label_key(key: &str) -> Option<String> {
    let key = identifier(key, "label_")?;
    // Prometheus renames labels that clash with its own in the same way.
    Some(if ["le", "quantile"].contains(&&*key) { format!("exported_{key}") } else { key })
}

/// Replaces all characters but letters, digits and `_` by `_`; puts `prefix` before a first digit.
fn identifier(text: &str, prefix: &str) -> Option<String> {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let text: String = text.chars().map(allowed).collect();
    let text = text.trim_matches('_');
    match text.chars().next()? {
        first if first.is_ascii_digit() => Some(format!("{prefix}{text}")),
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use metrics::Unit;

    use super::*;

    #[track_caller]
    fn check(name: &str, form: Form, unit: Option<Unit>, expected: &str) {
        let stem = stem(name, form).expect("something is left of it");
        let base = match (unit, form) {
            (None, _) => Base::of_name(&stem),
            (Some(unit), Form::Counter) => Base::of_counter(unit),
            (Some(unit), _) => Base::of(unit),
        };
        assert_eq!(with_unit(stem, form, &base), expected);
    }

    #[test]
    fn what_is_not_allowed_becomes_an_underscore() {
        check("http.server-requests", Form::Gauge, None, "http_server_requests");
        check("größe", Form::Gauge, None, "gr__e");
        check("a:b", Form::Gauge, None, "a_b");
        check("_private_", Form::Gauge, None, "private");
        check("5xx", Form::Counter, None, "metric_5xx_total");
        assert_eq!(stem("", Form::Gauge), None);
        assert_eq!(stem("._-", Form::Counter), None);
    }

    #[test]
    fn counters_alone_end_in_total() {
        check("jobs", Form::Counter, None, "jobs_total");
        check("jobs.total", Form::Counter, None, "jobs_total");
        check("jobs_count", Form::Counter, None, "jobs_count_total");
    }

    #[test]
    fn reserved_suffixes_are_kept_and_followed_by_a_word() {
        check("memory_total", Form::Gauge, None, "memory_total_value");
        check("queue.count", Form::Gauge, None, "queue_count_value");
        check("read_bytes_sum_total", Form::Histogram, None, "read_bytes_sum_total_value");
        check("wait_sum", Form::Histogram, Some(Unit::Seconds), "wait_sum_seconds");
    }

    #[test]
    fn names_end_in_the_base_unit() {
        check("wait", Form::Histogram, Some(Unit::Milliseconds), "wait_seconds");
        check("wait_ms", Form::Histogram, Some(Unit::Milliseconds), "wait_seconds");
        check("wait_seconds", Form::Histogram, Some(Unit::Seconds), "wait_seconds");
        check("cpu_percent", Form::Gauge, Some(Unit::Percent), "cpu_ratio");
        check("cpu_seconds_total", Form::Counter, Some(Unit::Seconds), "cpu_seconds_total");
        check("disk.mib", Form::Gauge, Some(Unit::Mebibytes), "disk_bytes");
        check("fds", Form::Gauge, Some(Unit::Count), "fds");
        check("ms", Form::Gauge, Some(Unit::Milliseconds), "ms_seconds");
    }

    #[test]
    fn a_counter_of_parts_keeps_their_unit() {
        check("busy_ms", Form::Counter, Some(Unit::Milliseconds), "busy_milliseconds_total");
        check("sent", Form::Counter, Some(Unit::Kibibytes), "sent_bytes_total");
    }

    #[test]
    fn label_keys_that_readers_reserve_are_renamed() {
        let cases = [("le", "exported_le"), ("http.route", "http_route"), ("2", "label_2")];
        for (key, expected) in cases {
            assert_eq!(label_key(key).as_deref(), Some(expected));
        }
        assert_eq!(label_key("__"), None);
    }
}
