//! The time between two updates of a topic.

use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The time between two updates: a multiple of 100 ms, from 100 ms to 60 s; 1 s by default.
///
/// Updates come at multiples of the interval since the service started, so that all readers with
/// the same interval share them.
///
/// ```
/// use node0_streaming::Interval;
/// use std::time::Duration;
///
/// assert_eq!(Interval::from_millis(250.0)?.duration(), Duration::from_millis(300));
/// assert!(Interval::from_millis(0.0).is_err());
/// assert_eq!("500".parse::<Interval>()?.duration(), Duration::from_millis(500));
/// # Ok::<(), node0_streaming::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    steps: u16,
}

/// A number that is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interval is a number of milliseconds from 1 to 60000, and is rounded up to hundreds")]
pub struct InvalidInterval;

impl Interval {
    /// The shortest interval in milliseconds, of which all others are multiples.
    pub const STEP_MILLIS: u16 = 100;
    /// The longest interval in milliseconds.
    pub const LONGEST_MILLIS: u16 = 60_000;

    /// Rounds a number of milliseconds up to the next multiple of 100 ms.
    ///
    /// # Errors
    /// [`InvalidInterval`] below 1 ms, above 60 s, and if it is not a number.
    pub fn from_millis(millis: f64) -> Result<Self, InvalidInterval> {
        if !(1.0..=f64::from(Self::LONGEST_MILLIS)).contains(&millis) {
            return Err(InvalidInterval);
        }
        Ok(Self { steps: (millis / f64::from(Self::STEP_MILLIS)).ceil() as u16 })
    }

    /// The interval as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.as_millis())
    }

    /// The interval in milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::from(self.steps) * u64::from(Self::STEP_MILLIS)
    }

    /// The number of whole intervals in an uptime.
    pub(crate) fn slot(self, uptime: Duration) -> u128 {
        uptime.as_millis() / u128::from(self.as_millis())
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self { steps: 10 }
    }
}

impl FromStr for Interval {
    type Err = InvalidInterval;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millis: u32 = text.parse().map_err(|_| InvalidInterval)?;
        Self::from_millis(f64::from(millis))
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_millis())
    }
}
