//! Durations in a report's JSON: milliseconds, as numbers.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Writes a duration as milliseconds.
pub(crate) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    millis(*duration).serialize(serializer)
}

/// Writes a duration as milliseconds, none as null.
pub(crate) fn serialize_option<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}

/// One division, so that whole nanoseconds come out as the shortest decimal.
fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
