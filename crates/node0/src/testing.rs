//! A monitoring with a manual clock, for tests.

use std::ops::Deref;
use std::time::Duration;

use node0_aggregator::Sampler;
use node0_metrics_core::ManualClock;

use crate::monitoring::{BuildError, Monitoring, MonitoringBuilder};

/// A [`Monitoring`] whose time a test advances; see the crate's front page.
#[derive(Debug)]
pub struct Testing {
    monitoring: Monitoring,
    clock: ManualClock,
    sampler: Sampler,
    /// The uptime up to which ticks have ended.
    ticked: Duration,
}

impl Monitoring {
    /// Creates a monitoring for tests, with a manual clock and without a sampling thread.
    ///
    /// # Panics
    /// Never in practice: only if the registry refused the metrics of node0 itself.
    pub fn testing() -> Testing {
        Self::builder().testing().expect("a new registry takes our own metrics")
    }
}

impl MonitoringBuilder {
    /// Builds a monitoring for tests, with a manual clock and without a sampling thread.
    ///
    /// ```
    /// use node0::Monitoring;
    ///
    /// let testing = Monitoring::builder().version("1.2.3").testing()?;
    /// assert!(testing.export().contains("version=\"1.2.3\""));
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildError`], as from [`MonitoringBuilder::build`].
    ///
    /// # Panics
    /// Never in practice: only if something ticks the new registry already.
    pub fn testing(self) -> Result<Testing, BuildError> {
        let clock = ManualClock::new();
        let settings = self.recording(|registry| registry.clock(clock.clock()));
        let monitoring = settings.build_unsampled()?;
        let sampler = Sampler::new(monitoring.registry()).expect("a new registry has no ticker");
        Ok(Testing { monitoring, clock, sampler, ticked: Duration::ZERO })
    }
}

impl Testing {
    /// Advances time; the registry ticks at each whole tick of its uptime, as when it is sampled.
    pub fn advance(&mut self, by: Duration) {
        let tick = self.sampler.period();
        let clock = self.clock.clock();
        let end = clock.uptime() + by;
        while self.ticked + tick <= end {
            self.ticked += tick;
            self.clock.advance(self.ticked.saturating_sub(clock.uptime()));
            self.sampler.step();
        }
        self.clock.advance(end.saturating_sub(clock.uptime()));
    }

    /// Returns the clock, to advance time by less than a tick.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Returns the current value of a series, for a histogram its count; `None` if there is no such
    /// series.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.sample().snapshot.value(name, labels).map(node0_metrics_core::Value::as_f64)
    }
}

impl Deref for Testing {
    type Target = Monitoring;

    fn deref(&self) -> &Monitoring {
        &self.monitoring
    }
}
