//! The limits beyond which an operation is judged to be in trouble.

use std::time::Duration;

/// The limits that an assessment compares operations with.
///
/// ```
/// use performance_monitor::Thresholds;
/// use std::time::Duration;
///
/// let strict = Thresholds::default().slow_p95(Duration::from_millis(200));
/// assert_eq!(strict.min_samples, 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thresholds {
    /// An operation is slow when its 95th percentile is longer; 1 s by default.
    pub slow_p95: Duration,
    /// A window with fewer samples is not judged; 20 by default.
    pub min_samples: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { slow_p95: Duration::from_secs(1), min_samples: 20 }
    }
}

impl Thresholds {
    /// Sets [`Thresholds::slow_p95`].
    #[must_use]
    pub const fn slow_p95(mut self, p95: Duration) -> Self {
        self.slow_p95 = p95;
        self
    }

    /// Sets [`Thresholds::min_samples`].
    #[must_use]
    pub const fn min_samples(mut self, samples: u64) -> Self {
        self.min_samples = samples;
        self
    }
}
