//! The `performance` monitor: latency and throughput by operation name.
//!
//! It is what an application calls when it has no handle at hand: a name and a
//! value. What finds the handle is [`Labelled`], with one label; beside it, names
//! that were idle for long go again.

mod report;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::judging::assessment::Assessment;
use crate::judging::finding::Finding;
use crate::judging::judgement::Judgement;
use crate::judging::monitor::Monitor;
use crate::judging::report::{Report, UnknownTarget};
use crate::judging::topic::Topic;
use crate::naming::cache_gets::{CACHE_GETS, DEFAULT_CACHE};
use crate::naming::desc::{Classic, ClassicShape, Desc};
use crate::reading::sample::{Sample, View};
use crate::reading::snapshot::{Count, Value};
use crate::reading::summary::{LatencySummary, millis};
use crate::recording::counter::Counter;
use crate::recording::families::RegisterError;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::labelled::{Labelled, SharedHandles};
use crate::recording::latency::Latency;
use crate::registry::Registry;

/// How long operations take.
pub const OPERATION_DURATION: Desc = Desc::latency(
    "operation_duration_seconds",
    "Time that an operation took, by the name that the application gave it.",
)
.labels(&["operation"])
.classic(Classic {
    shape: ClassicShape::Summary,
    name: "latency_ms_{operation}",
    help: "Latency in milliseconds for {operation}",
});

/// How much was done.
pub const OPERATIONS: Desc = Desc::counter(
    "operations_total",
    "Units of work done, by the name that the application gave them.",
)
.labels(&["operation"])
.classic(Classic {
    shape: ClassicShape::Counter,
    name: "throughput_{operation}_total",
    help: "Throughput for {operation}",
});

static TOPIC: Topic = Topic::new("performance", "performance").target("operation");

/// Windows with fewer samples are not judged.
const MIN_SAMPLES: u64 = 20;

/// Records by name; clones share everything.
///
/// ```
/// use metrics_core::{Performance, Registry};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let performance = Performance::register(&registry)?;
/// performance.record_latency("api:request", Duration::from_millis(150));
/// performance.record_throughput("api:requests", 1);
/// performance.record_cache_hit("L1");
///
/// let latency = performance.latency_percentiles("api:request").expect("it was recorded");
/// let p95 = latency.p95.expect("there is a sample");
/// assert!(p95.abs_diff(Duration::from_millis(150)) < Duration::from_micros(1500));
/// assert_eq!(performance.latency_percentiles("no such operation"), None);
/// # Ok::<(), metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Performance {
    live: Option<Arc<Live>>,
}

#[derive(Debug)]
struct Live {
    registry: Registry,
    operations: Labelled<Latency, 1>,
    throughput: Labelled<Counter, 1>,
    lookups: Labelled<HitRatio, 2>,
}

/// Settings for [`Performance`].
#[derive(Clone, Copy, Debug)]
#[must_use = "call `register` to get the monitor"]
pub struct PerformanceBuilder {
    slow_p95: Duration,
    idle_expiry: Duration,
}

impl PerformanceBuilder {
    /// The 95th percentile above which an operation is an issue; 1 s by default.
    pub fn slow_p95(mut self, threshold: Duration) -> Self {
        self.slow_p95 = threshold;
        self
    }

    /// How long a name may be idle before its series goes, unless a handle is held; 10 min by default.
    ///
    /// It is looked for twice a minute, so a name may stay a minute longer.
    pub fn idle_expiry(mut self, after: Duration) -> Self {
        self.idle_expiry = after;
        self
    }

    /// Registers the monitor.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has a performance monitor, or
    /// another metric with one of its names.
    pub fn register(self, registry: &Registry) -> Result<Performance, RegisterError> {
        let live = Live {
            registry: registry.clone(),
            operations: registry.latencies(&OPERATION_DURATION)?,
            throughput: registry.counters(&OPERATIONS)?,
            lookups: registry.hit_ratios(&CACHE_GETS)?,
        };
        let names = [
            live.operations.shared_handles(),
            live.throughput.shared_handles(),
            live.lookups.shared_handles(),
        ];
        registry.monitor(Arc::new(PerformanceMonitor {
            names: names.into_iter().flatten().cloned().collect(),
            clock: registry.clock().clone(),
            idle_expiry: self.idle_expiry,
            slow_p95: self.slow_p95,
        }))?;
        Ok(Performance { live: Some(Arc::new(live)) })
    }
}

impl Performance {
    /// Registers the monitor with the default settings.
    ///
    /// # Errors
    /// As [`PerformanceBuilder::register`].
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder().register(registry)
    }

    /// A monitor that records nothing and gives disabled handles.
    pub const fn disabled() -> Self {
        Self { live: None }
    }

    /// Settings for the monitor.
    pub fn builder() -> PerformanceBuilder {
        PerformanceBuilder {
            slow_p95: Duration::from_secs(1),
            idle_expiry: Duration::from_secs(600),
        }
    }

    /// A handle to an operation's latency, for hot paths.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry is out of names.
    pub fn latency(&self, operation: &str) -> Result<Latency, RegisterError> {
        let Some(live) = &self.live else { return Ok(Latency::disabled()) };
        live.registry.latency(&OPERATION_DURATION, &[operation])
    }

    /// A handle to an operation's throughput, for hot paths.
    ///
    /// # Errors
    /// As [`Performance::latency`].
    pub fn throughput(&self, operation: &str) -> Result<Counter, RegisterError> {
        let Some(live) = &self.live else { return Ok(Counter::disabled()) };
        live.registry.counter(&OPERATIONS, &[operation])
    }

    /// A handle to a cache tier's hits and misses, for hot paths.
    ///
    /// # Errors
    /// As [`Performance::latency`].
    pub fn cache(&self, tier: &str) -> Result<HitRatio, RegisterError> {
        let Some(live) = &self.live else { return Ok(HitRatio::disabled()) };
        live.registry.hit_ratio(&CACHE_GETS, &[DEFAULT_CACHE, tier])
    }

    /// Records how long an operation took.
    pub fn record_latency(&self, operation: &str, took: Duration) {
        if let Some(live) = &self.live {
            live.operations.record([operation], took);
        }
    }

    /// Counts units of work.
    pub fn record_throughput(&self, operation: &str, units: u64) {
        if let Some(live) = &self.live {
            live.throughput.add([operation], units);
        }
    }

    /// Counts a lookup that a cache tier answered.
    pub fn record_cache_hit(&self, tier: &str) {
        if let Some(live) = &self.live {
            live.lookups.hit([DEFAULT_CACHE, tier]);
        }
    }

    /// Counts a lookup that a cache tier could not answer.
    pub fn record_cache_miss(&self, tier: &str) {
        if let Some(live) = &self.live {
            live.lookups.miss([DEFAULT_CACHE, tier]);
        }
    }

    /// An operation's latency over its window; `None` for an unknown name.
    pub fn latency_percentiles(&self, operation: &str) -> Option<LatencySummary> {
        let sample = self.live.as_ref()?.registry.read();
        match sample.snapshot.value(OPERATION_DURATION.name(), &[("operation", operation)])? {
            Value::Histogram(histogram) => Some(histogram.into()),
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
        let tiers = report::tiers(&sample.snapshot);
        tiers.get(tier)?.hit_rate_total
    }

    /// The health of the operations in a sample.
    pub fn assess(&self, sample: &Sample) -> Option<Assessment> {
        Some(sample.view().health(&TOPIC)?.assessment.clone())
    }
}

/// What the registry holds: the judge and reporter, without a way back to the registry.
#[derive(Debug)]
struct PerformanceMonitor {
    /// To expire them.
    names: Vec<Arc<SharedHandles>>,
    clock: Clock,
    idle_expiry: Duration,
    slow_p95: Duration,
}

impl Monitor for PerformanceMonitor {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        let now = self.clock.uptime();
        self.names.iter().for_each(|names| names.expire(now, self.idle_expiry));
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        let threshold = self.slow_p95.as_secs_f64();
        let mut judged = 0;
        let mut slow = Vec::new();
        for (operation, histogram) in report::operations(view.snapshot()) {
            if histogram.window().samples() < MIN_SAMPLES {
                continue;
            }
            judged += 1;
            let p95 = histogram.window().buckets().quantile(0.95).unwrap_or_default();
            if p95 > threshold {
                slow.push((operation, p95));
            }
        }
        if judged == 0 {
            return Judgement::unknown(format!("No operation has {MIN_SAMPLES} recent samples"));
        }
        slow.sort_by(|a, b| b.1.total_cmp(&a.1));
        let findings = slow.into_iter().enumerate();
        let findings = findings
            .map(|(rank, (operation, p95))| slow_operation(rank, operation, p95, threshold));
        Judgement::healthy("Operations answer in time").with_all(findings)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        report::report(view, target)
    }
}

/// The slowest operation costs the most; each further one a little more.
fn slow_operation(rank: usize, operation: &str, p95: f64, threshold: f64) -> Finding {
    let (code, is_far_beyond) = ("slow_operation", p95 / threshold >= 5.0);
    let finding = if is_far_beyond { Finding::critical(code) } else { Finding::warning(code) };
    let finding = if rank > 0 { finding.penalty(5) } else { finding };
    finding
        .component(operation)
        .beyond(millis(p95), millis(threshold))
        .message(format!(
            "`{operation}` takes {:.0} ms at the 95th percentile, more than {:.0} ms",
            millis(p95),
            millis(threshold)
        ))
        .advice("profile the operation, or raise `slow_p95` if this is expected")
}
