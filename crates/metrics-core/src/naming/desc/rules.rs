//! The rules for names of metrics and labels, in functions that run while a program compiles.
//!
//! They are those of Prometheus and OpenMetrics, so that every scraper accepts the pages.

use super::error::DescError;
use super::kind::Kind;

/// The suffixes that are reserved for the samples of counters, histograms and summaries.
const RESERVED_SUFFIXES: [&str; 5] = ["_total", "_count", "_sum", "_bucket", "_created"];

/// The rule that a metric's name breaks, if it does.
pub(super) const fn broken_name(name: &str, kind: Kind) -> Option<&'static str> {
    if !is_identifier(name) {
        return Some("letters, digits and `_`, not starting with a digit or `_`");
    }
    let own = kind.rules().suffix;
    let mut i = 0;
    while i < RESERVED_SUFFIXES.len() {
        let reserved = RESERVED_SUFFIXES[i];
        if ends_with(name, reserved) && !equal(reserved, own) {
            return Some(
                "`_total` ends counters only; `_count`, `_sum`, `_bucket`, `_created` are reserved",
            );
        }
        i += 1;
    }
    None
}

/// Refuses a label key that is malformed or reserved.
pub(crate) fn check_label(key: &str) -> Result<(), DescError> {
    if is_label(key) { Ok(()) } else { Err(DescError::Label { key: key.to_owned() }) }
}

pub(super) const fn is_label(key: &str) -> bool {
    is_identifier(key) && !equal(key, "le") && !equal(key, "quantile")
}

const fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_alphabetic() {
        return false;
    }
    let mut i = 1;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphanumeric() && bytes[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

/// `str::ends_with`, which is not `const`.
pub(super) const fn ends_with(text: &str, suffix: &str) -> bool {
    let (text, suffix) = (text.as_bytes(), suffix.as_bytes());
    if text.len() < suffix.len() {
        return false;
    }
    let mut i = 0;
    while i < suffix.len() {
        if text[text.len() - suffix.len() + i] != suffix[i] {
            return false;
        }
        i += 1;
    }
    true
}

pub(super) const fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && ends_with(a, b)
}
