//! Base units, which are part of the names of metrics.

use super::rules::ends_with;

/// The base unit of a metric; its suffix ends the name (before `_total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A number without a unit, such as a count of things.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1.
    Ratio,
}

impl Unit {
    /// The suffix that OpenMetrics demands, empty for [`Unit::None`].
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
        }
    }

    /// Returns `true` if a metric of this name can have the unit.
    pub(super) const fn is_in(self, name: &str) -> bool {
        match self {
            Self::None => true,
            Self::Seconds => ends_with(name, "_seconds") || ends_with(name, "_seconds_total"),
            Self::Bytes => ends_with(name, "_bytes") || ends_with(name, "_bytes_total"),
            Self::Ratio => ends_with(name, "_ratio"),
        }
    }
}
