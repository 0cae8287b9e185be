//! The rules for names of metrics and labels, in functions that run while a program compiles.
//!
//! They are those of Prometheus and OpenMetrics, so that every scraper accepts the pages.

use super::error::DescError;
use super::kind::Kind;
use crate::naming::labels::bounded;

/// The suffixes that are reserved for the samples of counters, histograms and summaries.
const RESERVED_SUFFIXES: [&str; 5] = ["_total", "_count", "_sum", "_bucket", "_created"];

/// The longest name of a metric in bytes: it is also the value of a label.
pub const MAX_NAME_BYTES: usize = 256;

/// The longest label key in bytes.
pub const MAX_LABEL_KEY_BYTES: usize = 64;

/// The most labels of a metric.
pub const MAX_LABELS: usize = 16;

/// The longest help text in bytes; a longer one is cut at a character boundary.
pub const MAX_HELP_BYTES: usize = 512;

/// The beginning of the names of node0's own metrics.
const OWN_PREFIX: &str = "node0_";

/// The rule that a metric's name breaks, if it does.
pub(super) const fn broken_name(name: &str, kind: Kind) -> Option<&'static str> {
    if name.len() > MAX_NAME_BYTES {
        return Some("it is longer than 256 bytes");
    }
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

/// The rule that a name known at run time breaks: those of node0's own metrics are constants.
pub(super) fn broken_own_name(name: &str, kind: Kind) -> Option<&'static str> {
    let is_taken = name.starts_with(OWN_PREFIX);
    broken_name(name, kind).or(is_taken.then_some("`node0_` begins node0's own metrics"))
}

/// Cuts a help text to the longest that is kept.
pub(crate) fn cut_help(help: &str) -> &str {
    &help[..help.floor_char_boundary(MAX_HELP_BYTES)]
}

/// Refuses label keys that are malformed, reserved or too long, and too many of them.
pub(crate) fn check_labels<'k>(
    name: &str,
    keys: impl ExactSizeIterator<Item = &'k str>,
) -> Result<(), DescError> {
    let labels = keys.len();
    if labels > MAX_LABELS {
        return Err(DescError::Labels { name: bounded(name).to_owned(), labels });
    }
    for key in keys {
        if !is_label(key) {
            return Err(DescError::Label { key: bounded(key).to_owned() });
        }
    }
    Ok(())
}

pub(super) const fn is_label(key: &str) -> bool {
    key.len() <= MAX_LABEL_KEY_BYTES
        && is_identifier(key)
        && !equal(key, "le")
        && !equal(key, "quantile")
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
