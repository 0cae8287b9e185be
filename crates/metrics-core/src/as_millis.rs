//! Serialises durations as milliseconds, for `serialize_with` in the JSON of reports.
//!
//! ```
//! use node0_metrics_core::as_millis;
//! use std::time::Duration;
//!
//! #[derive(serde::Serialize)]
//! struct Waits {
//!     #[serde(serialize_with = "as_millis::serialize")]
//!     limit: Duration,
//!     #[serde(serialize_with = "as_millis::serialize_option")]
//!     longest: Option<Duration>,
//! }
//! ```

use std::time::Duration;

use serde::{Serialize as _, Serializer};

/// Writes a duration as milliseconds.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    millis(*duration).serialize(serializer)
}

/// Writes a duration as milliseconds, none as null.
///
/// # Errors
/// The serializer's own.
pub fn serialize_option<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}

/// One division, so that whole nanoseconds come out as the shortest decimal.
fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
