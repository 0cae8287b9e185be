//! Moments and durations of a query, as people write them.

use std::str::FromStr;
use std::time::Duration;

use node0_metrics_core::Timestamp;

/// The beginning or the end of a query.
///
/// ```
/// use node0_history::When;
/// use node0_metrics_core::Timestamp;
/// use std::time::Duration;
///
/// assert_eq!("-15m".parse(), Ok(When::Ago(Duration::from_secs(900))));
/// let at = Timestamp::from_millis(1_577_836_800_000);
/// assert_eq!("1577836800000".parse(), Ok(When::At(at)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// A wall time.
    At(Timestamp),
    /// This long before the last sample.
    Ago(Duration),
}

/// A text that is no moment or duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhenError {
    /// It is no moment.
    #[error("is neither milliseconds since 1970 nor a time before now such as -15m")]
    Moment,
    /// It is no duration.
    #[error("is no duration such as 10s, 1m, 2h or a number of milliseconds")]
    Duration,
}

impl Default for When {
    /// Now.
    fn default() -> Self {
        Self::Ago(Duration::ZERO)
    }
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        if let Some(ago) = text.strip_prefix('-') {
            return duration(ago).map(Self::Ago).map_err(|_| WhenError::Moment);
        }
        let millis = digits(text).ok_or(WhenError::Moment)?;
        Ok(Self::At(Timestamp::from_millis(millis)))
    }
}

/// Parses a duration: a whole number with the unit `ms`, `s`, `m`, `h` or `d`, or of milliseconds.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(node0_history::duration("10s"), Ok(Duration::from_secs(10)));
/// assert_eq!(node0_history::duration("500"), Ok(Duration::from_millis(500)));
/// assert!(node0_history::duration("soon").is_err());
/// ```
///
/// # Errors
/// [`WhenError::Duration`] for anything else.
pub fn duration(text: &str) -> Result<Duration, WhenError> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let millis: u64 = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(WhenError::Duration),
    };
    let number = digits(&text[..text.len() - unit.len()]).ok_or(WhenError::Duration)?;
    number.checked_mul(millis).map(Duration::from_millis).ok_or(WhenError::Duration)
}

/// Parses digits alone: `u64::from_str` takes a plus sign too.
fn digits(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
