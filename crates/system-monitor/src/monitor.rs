//! The handle by which a host has its process and runtimes watched.
//!
//! What the registry holds are other types, in [`watch`](crate::watch): whoever
//! attaches runtimes needs the registry, and in one type that would be a circle
//! in which nothing is ever dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics_core::{
    Assessment, InstanceError, InstanceName, Instances, RegisterError, Registry, Sample,
};
use tokio::runtime::Handle;

use crate::judge;
use crate::metrics::{ProcessMetrics, RuntimeMetrics};
use crate::probe::Probe;
use crate::process::{HeapSource, Process};
use crate::runtime::{MonitoredRuntime, WatchedRuntime};
use crate::thresholds::Thresholds;
use crate::watch::{ProcessWatch, RUNTIME_TOPIC, RuntimeWatch, System, TOPIC};

/// Watches the process and the runtimes attached to it; clones share both.
#[derive(Clone, Debug)]
pub struct SystemMonitor {
    registry: Registry,
    system: Arc<System>,
    canary_interval: Duration,
}

/// Settings for a [`SystemMonitor`].
#[derive(Debug)]
#[must_use = "call `register` to get a monitor"]
pub struct SystemMonitorBuilder {
    thresholds: Thresholds,
    canary_interval: Duration,
    heap: Option<HeapSource>,
    root: PathBuf,
}

/// A runtime that is not watched, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name is taken or unusable, or the registry refused a metric.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The lag canary cannot sleep there.
    #[error("runtime `{name}` has no timers: build it with `enable_time`")]
    NoTimers {
        /// The name.
        name: String,
    },
}

impl SystemMonitor {
    /// Registers the topics `system` and `runtime`, with the defaults of [`SystemMonitorBuilder`].
    ///
    /// # Errors
    /// As for [`SystemMonitorBuilder::register`].
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder().register(registry)
    }

    /// Settings for a monitor.
    pub fn builder() -> SystemMonitorBuilder {
        SystemMonitorBuilder {
            thresholds: Thresholds::default(),
            canary_interval: Duration::from_millis(20),
            heap: None,
            root: "/".into(),
        }
    }

    /// Watches a runtime for as long as what this returns is held.
    ///
    /// Its workers, tasks and queue are polled once a tick. A canary, which is a
    /// task that sleeps, is spawned on it to measure the lag; see
    /// [`SystemMonitorBuilder::canary_interval`] for what that costs.
    ///
    /// A current-thread runtime runs while somebody blocks on it. One that
    /// nobody drives wakes no task, and looks blocked, because to its tasks it is.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, and for a runtime
    /// without timers; of the latter tokio also prints a panic message, since
    /// there is no other way to ask.
    pub fn attach(&self, name: &str, runtime: &Handle) -> Result<MonitoredRuntime, AttachError> {
        let runtimes = &self.system.runtimes;
        let name = runtimes.name(name)?;
        if !has_timers(runtime) {
            return Err(AttachError::NoTimers { name: name.into() });
        }
        let start = |name: &InstanceName| {
            let system = Arc::downgrade(&self.system);
            WatchedRuntime::start(&self.registry, name, runtime, self.canary_interval, system)
        };
        Ok(MonitoredRuntime(runtimes.enter(name, start)?))
    }

    /// The names of the attached runtimes, sorted.
    pub fn runtimes(&self) -> Vec<String> {
        self.system.runtimes.names()
    }

    /// The numbers of the process in a sample.
    pub fn process(&self, sample: &Sample) -> ProcessMetrics {
        self.system.process.read(&sample.view()).into()
    }

    /// The judgement of the process in a sample.
    pub fn assess(&self, sample: &Sample) -> Assessment {
        let levels = self.system.process.read(&sample.view());
        judge::process(&levels, &self.system.thresholds).assess()
    }

    /// The numbers of one runtime in a sample; `None` for a name that is not attached.
    pub fn runtime(&self, sample: &Sample, name: &str) -> Option<RuntimeMetrics> {
        Some(RuntimeMetrics::of(&[self.system.reading(&sample.view(), name)?]))
    }

    /// The busy ratio of each worker of a runtime in a sample; `None` for a name that is not attached.
    pub fn worker_busy_ratios(&self, sample: &Sample, name: &str) -> Option<Vec<Option<f64>>> {
        Some(self.system.reading(&sample.view(), name)?.busy)
    }

    /// The judgement of one runtime in a sample; `None` for a name that is not attached.
    pub fn assess_runtime(&self, sample: &Sample, name: &str) -> Option<Assessment> {
        let reading = self.system.reading(&sample.view(), name)?;
        Some(judge::runtimes(&[reading], &self.system.thresholds).assess())
    }

    /// The numbers of all runtimes in a sample together.
    pub fn totals(&self, sample: &Sample) -> RuntimeMetrics {
        RuntimeMetrics::of(&self.system.readings(&sample.view()))
    }
}

impl SystemMonitorBuilder {
    /// What the assessments compare with; [`Thresholds::default`] by default.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// How long the lag canary of each runtime sleeps; 20 ms by default, 1 ms at least.
    ///
    /// It is also by how much a lag can be seen too short. A wake-up costs an
    /// idle runtime 50 µs of CPU on a virtual machine, nearly all in the kernel,
    /// so 0.3 % of one core by default, and no more on a runtime that is at work.
    pub fn canary_interval(mut self, interval: Duration) -> Self {
        self.canary_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Asks the host's allocator for the bytes of its heap, once a tick; by default nobody knows.
    ///
    /// What it answers is `process_heap_bytes`. Only the allocator can tell,
    /// jemalloc by `stats.allocated` for example. It takes microseconds at most.
    pub fn heap(mut self, bytes: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        self.heap = Some(HeapSource(Box::new(bytes)));
        self
    }

    /// The folder under which `proc` and `sys` are mounted; `/` by default.
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Reads the process once and registers the topics `system` and `runtime`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has one of them: clone the first
    /// monitor instead.
    pub fn register(self, registry: &Registry) -> Result<SystemMonitor, RegisterError> {
        // Both or neither, as far as one can look ahead: a monitor cannot be taken back.
        let ours = [TOPIC.name, RUNTIME_TOPIC.name];
        let mut topics = registry.topics().into_iter().map(|topic| topic.name);
        if let Some(topic) = topics.find(|topic| ours.contains(topic)) {
            return Err(RegisterError::DuplicateTopic { topic });
        }
        let system = Arc::new(System {
            process: Process::register(registry, Probe::find(&self.root), self.heap)?,
            runtimes: Instances::new("runtime"),
            thresholds: self.thresholds,
        });
        registry.monitor(Arc::new(ProcessWatch(system.clone())))?;
        registry.monitor(Arc::new(RuntimeWatch(system.clone())))?;
        let registry = registry.clone();
        Ok(SystemMonitor { registry, system, canary_interval: self.canary_interval })
    }
}

/// Whether a task can sleep there, found by making a sleep and not taking it.
fn has_timers(runtime: &Handle) -> bool {
    let _inside = runtime.enter();
    let sleep = || drop(tokio::time::sleep(Duration::ZERO));
    catch_unwind(AssertUnwindSafe(sleep)).is_ok()
}
