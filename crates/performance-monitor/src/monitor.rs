//! The handle by which a host records its operations.
//!
//! It holds the registry, to register the handles that a host asks for and to read samples. So
//! the registry must not hold it, or neither would ever be dropped: it holds a [`Watch`].

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Assessment, CACHE_GETS, Count, Counter, DEFAULT_CACHE, HitRatio, Judgement, Latency,
    LatencySummary, Monitor, RegisterError, Registry, Sample, Value,
};

use crate::by_name::ByName;
use crate::descs::{OPERATION_DURATION, OPERATION_FAILURES, OPERATIONS};
use crate::reading;
use crate::thresholds::Thresholds;
use crate::watch::Watch;

/// Records operations by name; clones share everything.
///
/// The calls by name look a handle up at each call. Names past the registry's cap on series
/// are recorded as the operation `_other`.
///
/// ```
/// use node0_metrics_core::Registry;
/// use node0_performance_monitor::PerformanceMonitor;
///
/// let performance = PerformanceMonitor::register(&Registry::new())?;
/// let same = performance.clone();
/// performance.record_throughput("jobs", 2);
/// same.record_throughput("jobs", 1);
/// assert_eq!(performance.throughput_count("jobs").map(|count| count.total), Some(3));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PerformanceMonitor {
    live: Option<Arc<Live>>,
}

#[derive(Debug)]
struct Live {
    registry: Registry,
    watch: Watch,
}

/// Settings for a [`PerformanceMonitor`].
#[derive(Clone, Copy, Debug)]
#[must_use = "call `register` to get a monitor"]
pub struct PerformanceMonitorBuilder {
    thresholds: Thresholds,
    idle_expiry: Duration,
}

impl PerformanceMonitor {
    /// Registers the topic `performance`, with the defaults of [`PerformanceMonitorBuilder`].
    ///
    /// # Errors
    /// As for [`PerformanceMonitorBuilder::register`].
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder().register(registry)
    }

    /// A monitor that records nothing and gives disabled handles.
    pub const fn disabled() -> Self {
        Self { live: None }
    }

    /// Returns the settings of a monitor, to change them before it is registered.
    pub fn builder() -> PerformanceMonitorBuilder {
        PerformanceMonitorBuilder {
            thresholds: Thresholds::default(),
            idle_expiry: Duration::from_secs(600),
        }
    }

    /// A handle to an operation's latency, for hot paths.
    ///
    /// The name does not expire while the handle is held.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn latency(&self, operation: &str) -> Result<Latency, RegisterError> {
        let Some(live) = &self.live else { return Ok(Latency::disabled()) };
        live.registry.latency(&OPERATION_DURATION, &[operation])
    }

    /// A handle to an operation's throughput, for hot paths.
    ///
    /// # Errors
    /// As for [`Self::latency`].
    pub fn throughput(&self, operation: &str) -> Result<Counter, RegisterError> {
        let Some(live) = &self.live else { return Ok(Counter::disabled()) };
        live.registry.counter(&OPERATIONS, &[operation])
    }

    /// A handle to an operation's failures, for hot paths.
    ///
    /// # Errors
    /// As for [`Self::latency`].
    pub fn failures(&self, operation: &str) -> Result<Counter, RegisterError> {
        let Some(live) = &self.live else { return Ok(Counter::disabled()) };
        live.registry.counter(&OPERATION_FAILURES, &[operation])
    }

    /// A handle to a cache tier's hits and misses, for hot paths.
    ///
    /// # Errors
    /// As for [`Self::latency`].
    pub fn cache(&self, tier: &str) -> Result<HitRatio, RegisterError> {
        let Some(live) = &self.live else { return Ok(HitRatio::disabled()) };
        live.registry.hit_ratio(&CACHE_GETS, &[DEFAULT_CACHE, tier])
    }

    /// Records the time that an operation took.
    pub fn record_latency(&self, operation: &str, took: Duration) {
        if let Some(live) = &self.live {
            live.watch.by_name.operations.record([operation], took);
        }
    }

    /// Counts units of work.
    pub fn record_throughput(&self, operation: &str, units: u64) {
        if let Some(live) = &self.live {
            live.watch.by_name.throughput.add([operation], units);
        }
    }

    /// Counts units of work that failed, which [`record_throughput`](Self::record_throughput) counts
    /// too.
    ///
    /// An operation of which too large a share fails is a finding:
    ///
    /// ```
    /// use node0_metrics_core::Registry;
    /// use node0_performance_monitor::PerformanceMonitor;
    ///
    /// let registry = Registry::new();
    /// let performance = PerformanceMonitor::register(&registry)?;
    /// performance.record_throughput("mails", 40);
    /// performance.record_failures("mails", 10);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn record_failures(&self, operation: &str, units: u64) {
        if let Some(live) = &self.live {
            live.watch.by_name.failures.add([operation], units);
        }
    }

    /// Counts a lookup that a cache tier answered.
    pub fn record_cache_hit(&self, tier: &str) {
        if let Some(live) = &self.live {
            live.watch.by_name.lookups.hit([DEFAULT_CACHE, tier]);
        }
    }

    /// Counts a lookup that a cache tier could not answer.
    pub fn record_cache_miss(&self, tier: &str) {
        if let Some(live) = &self.live {
            live.watch.by_name.lookups.miss([DEFAULT_CACHE, tier]);
        }
    }

    /// An operation's latency over its window; `None` for an unknown name.
    pub fn latency_percentiles(&self, operation: &str) -> Option<LatencySummary> {
        let sample = self.live.as_ref()?.registry.read();
        match sample.snapshot.value(OPERATION_DURATION.name(), &[("operation", operation)])? {
            Value::Histogram(latency) => Some(latency.summary()),
            _ => None,
        }
    }

    /// An operation's throughput; `None` for an unknown name.
    pub fn throughput_count(&self, operation: &str) -> Option<Count> {
        let sample = self.live.as_ref()?.registry.read();
        match sample.snapshot.value(OPERATIONS.name(), &[("operation", operation)])? {
            Value::Counter(count) => Some(*count),
            _ => None,
        }
    }

    /// The share of a tier's lookups that hit, since the start; `None` without lookups.
    pub fn cache_hit_rate(&self, tier: &str) -> Option<f64> {
        let sample = self.live.as_ref()?.registry.read();
        reading::tiers(&sample.snapshot).get(tier)?.hit_rate_total()
    }

    /// The judgement of the operations in a sample.
    pub fn assess(&self, sample: &Sample) -> Assessment {
        let judgement = match &self.live {
            Some(live) => live.watch.judge(&sample.view()),
            None => Judgement::unknown("the monitor is disabled"),
        };
        judgement.assess()
    }
}

impl PerformanceMonitorBuilder {
    /// Changes the thresholds of the judgement; [`Thresholds::default`] by default.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Changes the time after which an idle name expires, unless a handle is held; 10 min by default.
    ///
    /// Idle names are checked twice a minute, so a name may stay a minute longer. One that is
    /// used again goes on from its last total.
    pub fn idle_expiry(mut self, after: Duration) -> Self {
        self.idle_expiry = after;
        self
    }

    /// Registers the topic `performance`.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has a performance monitor, or another metric with
    /// one of its names.
    pub fn register(self, registry: &Registry) -> Result<PerformanceMonitor, RegisterError> {
        let Self { thresholds, idle_expiry } = self;
        let watch = Watch { by_name: ByName::register(registry)?, thresholds, idle_expiry };
        registry.monitor(Arc::new(watch.clone()))?;
        let live = Live { registry: registry.clone(), watch };
        Ok(PerformanceMonitor { live: Some(Arc::new(live)) })
    }
}
