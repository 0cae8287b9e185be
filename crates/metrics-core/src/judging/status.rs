//! Statuses, and the ranges of scores behind them.
//!
//! Scores are for people and for alerts; no probe depends on them. A topic without data is
//! unknown, which is neither good nor bad: it has no score and is left out of every mean.

use serde::Serialize;

/// The highest score that is not healthy; any score above it is.
pub const HEALTHY_ABOVE: u8 = 85;
/// The lowest score that is degraded; any score below it is unhealthy.
pub const DEGRADED_FROM: u8 = 70;

/// The health of a topic or an instance in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No data to judge by.
    Unknown,
    /// A score above [`HEALTHY_ABOVE`].
    Healthy,
    /// A score from [`DEGRADED_FROM`] to [`HEALTHY_ABOVE`].
    Degraded,
    /// A score below [`DEGRADED_FROM`].
    Unhealthy,
}

impl Status {
    /// Returns how bad the status is: the higher, the worse. Neighbours are one apart.
    pub(crate) const fn severity(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Healthy => 1,
            Self::Degraded => 2,
            Self::Unhealthy => 3,
        }
    }

    /// Returns the status of a score; without a score it is unknown.
    pub const fn of(score: Option<u8>) -> Self {
        match score {
            None => Self::Unknown,
            Some(score) if score > HEALTHY_ABOVE => Self::Healthy,
            Some(score) if score >= DEGRADED_FROM => Self::Degraded,
            Some(_) => Self::Unhealthy,
        }
    }
}
