//! Common parts of the text formats: escapes, label sets, the head of a family.
//!
//! Label values escape the backslash, the quote and the newline. Help texts do not
//! escape the quote in text 0.0.4, but do in OpenMetrics. A missing escape makes the
//! whole page invalid; a superfluous one shows up in every dashboard.

use node0_metrics_core::Unit;

use crate::format::Format;

/// The lines before a family's samples: help, type and unit.
pub(crate) struct Head<'a> {
    pub(crate) name: &'a str,
    pub(crate) metric_type: &'a str,
    pub(crate) unit: Unit,
    pub(crate) help: &'a str,
}

impl Head<'_> {
    pub(crate) fn write(&self, format: Format, out: &mut Vec<u8>) {
        if format == Format::OpenMetrics {
            self.line(out, "TYPE", self.metric_type);
            if let Some(unit) = self.shown_unit() {
                self.line(out, "UNIT", unit);
            }
            self.line_start(out, "HELP");
            escaped(out, self.help, b"\\\n\"");
            out.push(b'\n');
        } else {
            self.line_start(out, "HELP");
            escaped(out, self.help, b"\\\n");
            out.push(b'\n');
            self.line(out, "TYPE", self.metric_type);
        }
    }

    /// Returns the unit if the name ends in it; readers refuse any other.
    fn shown_unit(&self) -> Option<&'static str> {
        let unit = self.unit.suffix();
        let stem = self.name.strip_suffix(unit)?;
        (!unit.is_empty() && stem.ends_with('_')).then_some(unit)
    }

    fn line(&self, out: &mut Vec<u8>, word: &str, value: &str) {
        self.line_start(out, word);
        out.extend_from_slice(value.as_bytes());
        out.push(b'\n');
    }

    fn line_start(&self, out: &mut Vec<u8>, word: &str) {
        for part in ["# ", word, " ", self.name, " "] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// Writes the labels in braces; writes nothing if there are none.
pub(crate) fn label_set<'a>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut opening = b'{';
    for (key, value) in pairs {
        out.push(opening);
        opening = b',';
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"=\"");
        escaped(out, value, b"\\\n\"");
        out.push(b'"');
    }
    if opening == b',' {
        out.push(b'}');
    }
}

/// Writes the text with a backslash before each `special` character, a newline as `\n`.
fn escaped(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    for byte in text.bytes() {
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(if byte == b'\n' { b'n' } else { byte });
    }
}
