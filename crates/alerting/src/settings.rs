//! The settings that all rules share.

use std::time::Duration;

use node0_metrics_core::Labels;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The time between evaluations.
    pub(crate) interval: Duration,
    /// The time after which news of an alert are repeated.
    pub(crate) resend_after: Duration,
    /// The longest time that a rule may wait; `None` leaves the rules as they are.
    pub(crate) longest_wait: Option<Duration>,
    /// The time for which data may be missing before an alert ends.
    pub(crate) stale_after: Duration,
    /// The most active alerts of one rule.
    pub(crate) max_alerts: usize,
    /// Labels that all alerts have.
    pub(crate) labels: Labels,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            resend_after: Duration::from_secs(60),
            longest_wait: None,
            stale_after: Duration::from_secs(300),
            max_alerts: 100,
            labels: Labels::default(),
        }
    }
}

impl Settings {
    /// Returns a waiting time of a rule, shortened to the longest that is allowed.
    pub(crate) fn capped(&self, time: Duration) -> Duration {
        self.longest_wait.map_or(time, |longest| time.min(longest))
    }

    /// Returns the time after which news are repeated, at least an interval.
    pub(crate) fn resend_after(&self) -> Duration {
        self.resend_after.max(self.interval)
    }
}
