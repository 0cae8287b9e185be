//! From where on a tier is judged to be in trouble.

use std::time::Duration;

use metrics_core::as_millis;
use serde::Serialize;

/// What an assessment compares a tier with; shown in its report.
///
/// ```
/// use cache_monitor::Thresholds;
///
/// let modest = Thresholds::default().hit_rate(0.3);
/// assert_eq!((modest.hit_rate, modest.min_lookups), (0.3, 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Thresholds {
    /// A smaller share of hits is too low; 0.7 by default.
    pub hit_rate: f64,
    /// Fewer lookups in the window are too few to judge hits or times by; 20 by default.
    pub min_lookups: u64,
    /// A larger share of failed operations is too many; 0.05 by default.
    pub error_rate: f64,
    /// More entries evicted for size per lookup are too many; 0.25 by default.
    pub evictions_per_lookup: f64,
    /// Lookups are slow when their 95th percentile is longer; 50 ms by default.
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

impl Thresholds {
    /// Sets [`Thresholds::hit_rate`].
    #[must_use]
    pub const fn hit_rate(mut self, share: f64) -> Self {
        self.hit_rate = share;
        self
    }

    /// Sets [`Thresholds::min_lookups`].
    #[must_use]
    pub const fn min_lookups(mut self, lookups: u64) -> Self {
        self.min_lookups = lookups;
        self
    }

    /// Sets [`Thresholds::error_rate`].
    #[must_use]
    pub const fn error_rate(mut self, share: f64) -> Self {
        self.error_rate = share;
        self
    }

    /// Sets [`Thresholds::evictions_per_lookup`].
    #[must_use]
    pub const fn evictions_per_lookup(mut self, evictions: f64) -> Self {
        self.evictions_per_lookup = evictions;
        self
    }

    /// Sets [`Thresholds::slow_get`].
    #[must_use]
    pub const fn slow_get(mut self, p95: Duration) -> Self {
        self.slow_get = p95;
        self
    }
}
