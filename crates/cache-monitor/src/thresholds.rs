//! Thresholds: the values beyond which a tier is judged to be in trouble.

use std::time::Duration;

use node0_metrics_core::as_millis;
use serde::Serialize;

/// The values that a tier's numbers are compared with; its report shows them.
///
/// ```
/// use node0_cache_monitor::Thresholds;
///
/// let modest = Thresholds { hit_rate: 0.3, ..Thresholds::default() };
/// assert_eq!((modest.hit_rate, modest.min_lookups), (0.3, 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The lowest share of hits that is accepted; 0.7 by default.
    pub hit_rate: f64,
    /// The number of recent lookups that a share or a percentile needs at least; 20 by default.
    pub min_lookups: u64,
    /// The highest share of failed operations that is accepted; 0.05 by default.
    pub error_rate: f64,
    /// The most entries evicted for size per lookup that are accepted; 0.25 by default.
    pub evictions_per_lookup: f64,
    /// The longest 95th percentile of a lookup's time that is accepted; 50 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub slow_get: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            hit_rate: 0.7,
            min_lookups: 20,
            error_rate: 0.05,
            evictions_per_lookup: 0.25,
            slow_get: Duration::from_millis(50),
        }
    }
}
