//! What units become: base units, as the standard naming has them.
//!
//! The facade's units are what values are recorded in. Readers of metrics want
//! one unit for each dimension, so a value in milliseconds is kept in seconds
//! and its name says so.

use metrics_core::Unit;

/// How a name and its values come to the base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Base {
    pub(crate) unit: Unit,
    /// What the name ends in, nothing for a count of things.
    pub(crate) suffix: &'static str,
    /// Ends of names that mean the unit which the values are in, and give way to the suffix.
    pub(crate) spellings: &'static [&'static str],
    pub(crate) scale: Scale,
}

/// What values are multiplied with or divided by; a division by ten is exact where a tenth is not.
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

    /// The base of a unit that was told.
    pub(crate) fn of(told: metrics::Unit) -> Self {
        use Scale::{Over, Times};
        use metrics::Unit as Told;

        let seconds = |spellings, scale| Self::new(Unit::Seconds, "seconds", spellings, scale);
        let bytes = |spellings, power| {
            Self::new(Unit::Bytes, "bytes", spellings, Times(1024_u64.pow(power)))
        };
        let bits = |spellings, power| {
            Self::new(Unit::None, "bits_per_second", spellings, Times(1000_u64.pow(power)))
        };
        match told {
            Told::Count => Self::new(Unit::None, "", &[], Times(1)),
            Told::Percent => {
                Self::new(Unit::Ratio, "ratio", &["percent", "percentage", "pct"], Over(100))
            }
            Told::Seconds => seconds(&["secs", "sec", "s"], Times(1)),
            Told::Milliseconds => seconds(&["milliseconds", "millis", "msec", "ms"], Over(1_000)),
            Told::Microseconds => {
                seconds(&["microseconds", "micros", "usec", "us"], Over(1_000_000))
            }
            Told::Nanoseconds => {
                seconds(&["nanoseconds", "nanos", "nsec", "ns"], Over(1_000_000_000))
            }
            Told::Bytes => bytes(&[], 0),
            Told::Kibibytes => bytes(&["kibibytes", "kib"], 1),
            Told::Mebibytes => bytes(&["mebibytes", "mib"], 2),
            Told::Gibibytes => bytes(&["gibibytes", "gib"], 3),
            Told::Tebibytes => bytes(&["tebibytes", "tib"], 4),
            Told::BitsPerSecond => bits(&["bps"], 0),
            Told::KilobitsPerSecond => bits(&["kilobits_per_second", "kbps"], 1),
            Told::MegabitsPerSecond => bits(&["megabits_per_second", "mbps"], 2),
            Told::GigabitsPerSecond => bits(&["gigabits_per_second", "gbps"], 3),
            Told::TerabitsPerSecond => bits(&["terabits_per_second", "tbps"], 4),
            Told::CountPerSecond => Self::new(Unit::None, "per_second", &[], Times(1)),
        }
    }

    /// The same for counters, which hold whole numbers: what would have to be
    /// divided stays in the unit that was told.
    pub(crate) fn of_counter(told: metrics::Unit) -> Self {
        let base = Self::of(told);
        match base.scale {
            Scale::Times(_) => base,
            Scale::Over(_) => Self::new(Unit::None, told.as_str(), base.spellings, Scale::Times(1)),
        }
    }

    /// The unit that a name says itself, where none was told: only base units, which change nothing.
    pub(crate) fn of_name(stem: &str) -> Self {
        let units = [Unit::Seconds, Unit::Bytes, Unit::Ratio];
        let said = units
            .into_iter()
            .find(|unit| stem.strip_suffix(unit.suffix()).is_some_and(|rest| rest.ends_with('_')));
        let unit = said.unwrap_or(Unit::None);
        Self::new(unit, unit.suffix(), &[], Scale::Times(1))
    }
}
