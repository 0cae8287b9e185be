//! The conversion of units to base units, as in the standard naming.
//!
//! The facade records values in the unit of the description. Prometheus expects one unit for
//! each dimension, so a value in milliseconds is converted to seconds, and its name ends in
//! `_seconds`.

use node0_metrics_core::Unit;

/// The conversion of a name and its values to the base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Base {
    pub(crate) unit: Unit,
    /// The ending of the name, empty for a count of things.
    pub(crate) suffix: &'static str,
    /// Endings of names that mean the recorded unit; the suffix replaces them.
    pub(crate) spellings: &'static [&'static str],
    pub(crate) scale: Scale,
}

/// The factor or divisor of values; a division by ten is exact where a product with a tenth is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Times(u64),
    Over(u64),
}

impl Scale {
    #[inline]
    pub(crate) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Times(factor) => value * factor as f64,
            Self::Over(divisor) => value / divisor as f64,
        }
    }
}

impl Base {
    const fn new(
        unit: Unit,
        suffix: &'static str,
        spellings: &'static [&'static str],
        scale: Scale,
    ) -> Self {
        Self { unit, suffix, spellings, scale }
    }

    /// Returns the conversion of a unit of the facade.
    pub(crate) fn of(unit: metrics::Unit) -> Self {
        use Scale::{Over, Times};
        use metrics::Unit as FacadeUnit;

        let seconds = |spellings, scale| Self::new(Unit::Seconds, "seconds", spellings, scale);
        let bytes = |spellings, power| {
            Self::new(Unit::Bytes, "bytes", spellings, Times(1024_u64.pow(power)))
        };
        let bits = |spellings, power| {
            Self::new(Unit::None, "bits_per_second", spellings, Times(1000_u64.pow(power)))
        };
        match unit {
            FacadeUnit::Count => Self::new(Unit::None, "", &[], Times(1)),
            FacadeUnit::Percent => {
                Self::new(Unit::Ratio, "ratio", &["percent", "percentage", "pct"], Over(100))
            }
            FacadeUnit::Seconds => seconds(&["secs", "sec", "s"], Times(1)),
            FacadeUnit::Milliseconds => {
                seconds(&["milliseconds", "millis", "msec", "ms"], Over(1_000))
            }
            FacadeUnit::Microseconds => {
                seconds(&["microseconds", "micros", "usec", "us"], Over(1_000_000))
            }
            FacadeUnit::Nanoseconds => {
                seconds(&["nanoseconds", "nanos", "nsec", "ns"], Over(1_000_000_000))
            }
            FacadeUnit::Bytes => bytes(&[], 0),
            FacadeUnit::Kibibytes => bytes(&["kibibytes", "kib"], 1),
            FacadeUnit::Mebibytes => bytes(&["mebibytes", "mib"], 2),
            FacadeUnit::Gibibytes => bytes(&["gibibytes", "gib"], 3),
            FacadeUnit::Tebibytes => bytes(&["tebibytes", "tib"], 4),
            FacadeUnit::BitsPerSecond => bits(&["bps"], 0),
            FacadeUnit::KilobitsPerSecond => bits(&["kilobits_per_second", "kbps"], 1),
            FacadeUnit::MegabitsPerSecond => bits(&["megabits_per_second", "mbps"], 2),
            FacadeUnit::GigabitsPerSecond => bits(&["gigabits_per_second", "gbps"], 3),
            FacadeUnit::TerabitsPerSecond => bits(&["terabits_per_second", "tbps"], 4),
            FacadeUnit::CountPerSecond => Self::new(Unit::None, "per_second", &[], Times(1)),
        }
    }

    /// Returns the conversion for counters, which hold whole numbers: a unit that would have
    /// to be divided is kept.
    pub(crate) fn of_counter(unit: metrics::Unit) -> Self {
        let base = Self::of(unit);
        match base.scale {
            Scale::Times(_) => base,
            Scale::Over(_) => Self::new(Unit::None, unit.as_str(), base.spellings, Scale::Times(1)),
        }
    }

    /// Returns the conversion for a name without a described unit. If the name ends in a base
    /// unit, that is the unit; values stay as they are.
    pub(crate) fn of_name(stem: &str) -> Self {
        let units = [Unit::Seconds, Unit::Bytes, Unit::Ratio];
        let said = units
            .into_iter()
            .find(|unit| stem.strip_suffix(unit.suffix()).is_some_and(|rest| rest.ends_with('_')));
        let unit = said.unwrap_or(Unit::None);
        Self::new(unit, unit.suffix(), &[], Scale::Times(1))
    }
}
