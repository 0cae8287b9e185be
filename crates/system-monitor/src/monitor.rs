//! The handle through which a host watches its process and runtimes.
//!
//! It owns the registry, to register the metrics of further runtimes. If the registry owned it
//! too, neither would ever be dropped. So the registry owns the types of [`watch`](crate::watch).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Assessment, InstanceError, InstanceName, Instances, RegisterError, Registry, Sample, contain,
};
use tokio::runtime::Handle;

use crate::judge;
use crate::metrics::{ProcessMetrics, RuntimeMetrics};
use crate::probe::Probe;
use crate::process::{HeapSource, Process};
use crate::pulse::Pulse;
use crate::runtime::{MonitoredRuntime, WatchedRuntime};
use crate::thresholds::Thresholds;
use crate::watch::{ProcessWatch, RUNTIME_TOPIC, RuntimeWatch, System, TOPIC};

/// Watches the process and the runtimes attached to it; clones share both.
#[derive(Clone, Debug)]
pub struct SystemMonitor {
    pub(crate) registry: Registry,
    pub(crate) system: Arc<System>,
    pub(crate) canary_interval: Duration,
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

/// The reason why a runtime is not watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name is taken or unusable, or the registry refused a metric.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The runtime has no timers, which the lag canary needs to sleep.
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

    /// Returns the settings of a monitor, to change them before it is registered.
    pub fn builder() -> SystemMonitorBuilder {
        SystemMonitorBuilder {
            thresholds: Thresholds::default(),
            canary_interval: Duration::from_millis(20),
            heap: None,
            root: "/".into(),
        }
    }

    /// Watches a runtime until the returned handle is dropped.
    ///
    /// Its workers, tasks and queue are polled once a tick. A canary, which is a task that only
    /// sleeps, is spawned on it to measure the lag; see [`SystemMonitorBuilder::canary_interval`]
    /// for its cost.
    ///
    /// A current-thread runtime runs only while a thread blocks on it. Without such a thread it
    /// wakes no task and is shown as stalled.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, for a runtime that is watched under
    /// another name, and for a runtime without timers. In the last case the message of a panic is
    /// printed, although it is caught here: tokio has no other way to find out.
    pub fn attach(&self, name: &str, runtime: &Handle) -> Result<MonitoredRuntime, AttachError> {
        let name = self.system.runtimes.name(name)?;
        if !has_timers(runtime) {
            return Err(AttachError::NoTimers { name: name.into() });
        }
        let start = |name: &InstanceName| WatchedRuntime::start(self, name, runtime);
        let is_same = |other: &WatchedRuntime| other.is_on(runtime);
        Ok(MonitoredRuntime(self.system.runtimes.enter_unless(name, is_same, start)?))
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
        self.system.judge_process(&sample.view()).assess()
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
    /// Changes the limits that the judgements compare with; [`Thresholds::default`] by default.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Changes the time that the lag canary of each runtime sleeps; 20 ms by default, 1 ms at least.
    ///
    /// A stall can begin while the canary sleeps, so its measured length is too short by up to
    /// this time. On a virtual machine a wake-up costs an idle runtime 50 µs of CPU, mostly in
    /// the kernel, which is 0.3 % of one core by default. A busy runtime pays no more.
    pub fn canary_interval(mut self, interval: Duration) -> Self {
        self.canary_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Shows the size of the heap as `process_heap_bytes`; by default it is unknown.
    ///
    /// An allocator of your own must not record metrics: the first record of a thread allocates, and so
    /// would call itself. Let it count in an atomic number, and read that here or in a gauge.
    ///
    /// Only the host's allocator knows it, for example jemalloc as `stats.allocated`. `bytes` is
    /// called once a tick and must return within microseconds.
    pub fn heap(mut self, bytes: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        self.heap = Some(HeapSource(Box::new(bytes)));
        self
    }

    /// Changes the folder under which `proc` and `sys` are mounted; `/` by default.
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Reads the process once and registers the topics `system` and `runtime`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has one of them: clone the first
    /// monitor instead; [`RegisterError::DuplicateCheckKey`] when another topic has the check key
    /// of one.
    pub fn register(self, registry: &Registry) -> Result<SystemMonitor, RegisterError> {
        // Both topics are registered or neither, since a monitor cannot be removed from a registry.
        for taken in registry.topics() {
            for ours in [&TOPIC, &RUNTIME_TOPIC] {
                if taken.name == ours.name {
                    return Err(RegisterError::DuplicateTopic { topic: taken.name });
                }
                if taken.check_key == ours.check_key {
                    let (key, topic) = (ours.check_key, taken.name);
                    return Err(RegisterError::DuplicateCheckKey { key, topic });
                }
            }
        }
        let system = Arc::new(System {
            process: Process::register(registry, Probe::find(&self.root), self.heap)?,
            runtimes: Instances::new("runtime"),
            pulse: Arc::new(Pulse::register(registry)?),
            thresholds: self.thresholds,
        });
        registry.monitor(Arc::new(ProcessWatch(system.clone())))?;
        registry.monitor(Arc::new(RuntimeWatch(system.clone())))?;
        let registry = registry.clone();
        Ok(SystemMonitor { registry, system, canary_interval: self.canary_interval })
    }
}

/// Returns `true` if tasks can sleep on the runtime; without timers tokio panics in a sleep.
fn has_timers(runtime: &Handle) -> bool {
    let _inside = runtime.enter();
    contain(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}
