//! Statuses, and the scores that they stand for.
//!
//! A score is for people and for alerts; it never decides a probe. What has no data is
//! unknown, which is neither good nor bad: it has no score and is left out of every mean.

use serde::Serialize;

/// The lowest score that is still healthy, exclusive.
pub const HEALTHY_ABOVE: u8 = 85;
/// The lowest score that is degraded; below it is unhealthy.
pub const DEGRADED_FROM: u8 = 70;

/// The health of something, in one word.
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
    /// The status that a score stands for; no score is unknown.
    pub const fn of(score: Option<u8>) -> Self {
        match score {
            None => Self::Unknown,
            Some(score) if score > HEALTHY_ABOVE => Self::Healthy,
            Some(score) if score >= DEGRADED_FROM => Self::Degraded,
            Some(_) => Self::Unhealthy,
        }
    }
}
