//! The process: its gauges, and the sources that a poll copies into them.
//!
//! A poll reads a few small files that the kernel generates in memory, as the contract of
//! [`Monitor::poll`](node0_metrics_core::Monitor::poll) allows.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use node0_metrics_core::{Clock, Moment, RegisterError, Registry, View, contain, lock};

use crate::probe::Probe;
use crate::reading::{ProcessGauges, ProcessLevels};

/// The shortest span over which CPU use is computed, since the kernel counts in steps of 10 ms.
pub(crate) const SHORTEST_SPAN: Duration = Duration::from_millis(500);

/// The number of polls per reading of the limits, which change rarely and cost most to read.
const LIMITS_EVERY: u32 = 5;

/// The host's function that asks its allocator for the size of the heap.
pub(crate) struct HeapSource(pub(crate) Box<dyn Fn() -> Option<u64> + Send + Sync>);

/// The gauges of the process, and the sources that polls read.
#[derive(Debug)]
pub(crate) struct Process {
    gauges: ProcessGauges,
    sources: Mutex<Sources>,
}

/// The sources that a poll reads, and the values of earlier polls.
#[derive(Debug)]
struct Sources {
    clock: Clock,
    probe: Probe,
    heap: Option<HeapSource>,
    polls: u32,
    levels: ProcessLevels,
    /// A moment, and the age of the process at that moment in seconds.
    age: Option<(Moment, f64)>,
    /// The moment at which CPU use was computed last, and the CPU time at that moment.
    cpu: Option<(Moment, Duration)>,
}

impl Process {
    /// Reads the process once, and registers the values that the platform reports.
    pub(crate) fn register(
        registry: &Registry,
        probe: Probe,
        heap: Option<HeapSource>,
    ) -> Result<Self, RegisterError> {
        let clock = registry.clock().clone();
        let age = probe.age.map(|age| (clock.now(), age));
        let levels = ProcessLevels::default();
        let mut sources = Sources { clock, probe, heap, polls: 0, levels, age, cpu: None };
        sources.read();
        let (levels, wall) = (&mut sources.levels, sources.clock.wall().as_millis() as f64 / 1e3);
        // Computed once, since the wall clock may be set later.
        levels.start_seconds = levels.uptime_seconds.map(|uptime| wall - uptime);
        // Unknown until a later poll, but the series exists from the start.
        let cpu_cores = levels.cpu_seconds.map(|_| f64::NAN);
        let mut gauges = ProcessGauges::default();
        gauges.learn(registry, &[], &ProcessLevels { cpu_cores, ..*levels })?;
        Ok(Self { gauges, sources: Mutex::new(sources) })
    }

    /// Reads the process again.
    pub(crate) fn poll(&self) {
        let mut sources = lock(&self.sources);
        sources.read();
        self.gauges.set(&sources.levels);
    }

    pub(crate) fn read(&self, view: &View<'_>) -> ProcessLevels {
        self.gauges.read(view)
    }
}

impl Sources {
    /// Brings the levels up to date.
    fn read(&mut self) {
        if self.polls.is_multiple_of(LIMITS_EVERY) {
            self.probe.read_limits(&mut self.levels);
        }
        self.polls = self.polls.wrapping_add(1);
        let cpu_time = self.probe.read_levels(&mut self.levels);
        self.read_cpu(cpu_time);
        // It is the host's code, so its panic must not keep the other levels from being read.
        let heap = self.heap.as_ref().and_then(|heap| contain(|| (heap.0)()).ok().flatten());
        self.levels.heap_bytes = heap.map(|bytes| bytes as f64);
        let uptime = |(at, age)| age + self.clock.since(at).as_secs_f64();
        self.levels.uptime_seconds = self.age.map(uptime);
    }

    /// Stores the CPU time, and computes CPU use if the last time was long enough ago.
    fn read_cpu(&mut self, cpu_time: Option<Duration>) {
        let Some(cpu_time) = cpu_time else {
            (self.cpu, self.levels.cpu_cores) = (None, None);
            return;
        };
        self.levels.cpu_seconds = Some(cpu_time.as_secs_f64());
        let now = self.clock.now();
        let (at, before) = *self.cpu.get_or_insert((now, cpu_time));
        let span = self.clock.between(at, now);
        if span >= SHORTEST_SPAN {
            let used = cpu_time.saturating_sub(before);
            self.levels.cpu_cores = Some(used.as_secs_f64() / span.as_secs_f64());
            self.cpu = Some((now, cpu_time));
        }
    }
}

impl fmt::Debug for HeapSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapSource").finish_non_exhaustive()
    }
}
