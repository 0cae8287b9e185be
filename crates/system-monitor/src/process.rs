//! The cells of the process, and what a poll copies into them.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use metrics_core::{Clock, Gauge, Moment, RegisterError, Registry, View};

use crate::descs::CPU_SECONDS;
use crate::lock::lock;
use crate::probe::Probe;
use crate::vitals::{VitalGauges, Vitals};

/// A share of CPU is taken over this time at least: the kernel counts it in steps of 10 ms.
const SHORTEST_SPAN: Duration = Duration::from_millis(500);

/// What changes rarely or costs most to read is read at one poll of so many.
const RARELY: u32 = 5;

/// Asks the host's allocator for the size of the heap.
pub(crate) type HeapSource = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// Everything that is recorded of the process.
pub(crate) struct Process {
    clock: Clock,
    gauges: VitalGauges,
    /// Absent where the CPU time cannot be read.
    cpu: Option<Gauge>,
    polled: Mutex<Polled>,
}

/// What a poll asks, and what those before found.
struct Polled {
    probe: Probe,
    heap: Option<HeapSource>,
    polls: u32,
    vitals: Vitals,
    /// How long the process had lived by when.
    age: Option<(Moment, f64)>,
    /// The CPU time from which on the next share is taken, and when that was.
    cpu: Option<(Moment, Duration)>,
}

impl Process {
    /// Looks at the process once, and registers what can be seen.
    pub(crate) fn register(
        registry: &Registry,
        probe: Probe,
        heap: Option<HeapSource>,
    ) -> Result<Self, RegisterError> {
        let clock = registry.clock().clone();
        let mut polled = Polled::new(probe, heap, &clock);
        let cpu_time = polled.look(&clock);
        // It takes two looks, and is a gauge all the same.
        let cpu_usage = cpu_time.map(|_| f64::NAN);
        let gauges = VitalGauges::register(registry, &Vitals { cpu_usage, ..polled.vitals })?;
        let cpu = cpu_time.map(|_| registry.total(&CPU_SECONDS, &[])).transpose()?;
        let process = Self { clock, gauges, cpu, polled: Mutex::new(polled) };
        process.count(cpu_time);
        Ok(process)
    }

    /// Looks at the process again.
    pub(crate) fn observe(&self) {
        let mut polled = lock(&self.polled);
        let cpu_time = polled.look(&self.clock);
        self.gauges.set(&polled.vitals);
        self.count(cpu_time);
    }

    pub(crate) fn read(&self, view: &View<'_>) -> Vitals {
        self.gauges.read(view)
    }

    /// What cannot be read once more stays as it was: a total does not fall.
    fn count(&self, cpu_time: Option<Duration>) {
        if let (Some(total), Some(cpu_time)) = (&self.cpu, cpu_time) {
            total.set(cpu_time.as_secs_f64());
        }
    }
}

impl Polled {
    fn new(probe: Probe, heap: Option<HeapSource>, clock: &Clock) -> Self {
        let age = probe.age();
        // Kept as it is now: the wall clock may be set later, the start stays.
        let wall = clock.wall().as_millis() as f64 / 1e3;
        let start_time = age.map(|age| wall - age);
        let vitals = Vitals { start_time, ..Vitals::default() };
        let age = age.map(|age| (clock.now(), age));
        Self { probe, heap, polls: 0, vitals, age, cpu: None }
    }

    /// Brings the vitals up to date and returns the CPU time.
    fn look(&mut self, clock: &Clock) -> Option<Duration> {
        if self.polls.is_multiple_of(RARELY) {
            self.probe.look_closely(&mut self.vitals);
        }
        self.polls = self.polls.wrapping_add(1);
        let cpu_time = self.probe.look(&mut self.vitals);
        let heap = self.heap.as_ref().and_then(|heap| heap());
        self.vitals.heap = heap.map(|bytes| bytes as f64);
        self.vitals.uptime = self.age.map(|(at, age)| age + clock.since(at).as_secs_f64());
        self.follow(clock, cpu_time);
        cpu_time
    }

    /// Takes the share of CPU since the last one was taken, if that is long enough ago.
    fn follow(&mut self, clock: &Clock, cpu_time: Option<Duration>) {
        let now = clock.now();
        let Some(cpu_time) = cpu_time else {
            (self.cpu, self.vitals.cpu_usage) = (None, None);
            return;
        };
        let Some((at, before)) = self.cpu else {
            self.cpu = Some((now, cpu_time));
            return;
        };
        let span = clock.between(at, now);
        if span >= SHORTEST_SPAN {
            let used = cpu_time.saturating_sub(before);
            self.vitals.cpu_usage = Some(used.as_secs_f64() / span.as_secs_f64());
            self.cpu = Some((now, cpu_time));
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("gauges", &self.gauges).finish_non_exhaustive()
    }
}
