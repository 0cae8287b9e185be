//! One pass over all cells, shared by whoever asked while it ran.
//!
//! There is one pass at a time. A reader that arrives while one runs waits for
//! it, and takes the result of the next, which began after it arrived and so
//! has all that it recorded. However many arrive, they cost one pass.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::context::Context;
use crate::counter::Counter;
use crate::desc::Desc;
use crate::event::HealthChange;
use crate::families::{Cells, RegisterError};
use crate::gauge::Gauge;
use crate::health_board::HEALTH_SCORE;
use crate::lanes::{self, Reader};
use crate::latency::Latency;
use crate::registry::{Inner, Registry};
use crate::rows::{Row, Scratch, Timeline};
use crate::sample::Sample;
use crate::snapshot::{Schema, Snapshot, Value};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock, try_lock};
use crate::window::Rule;

/// How long passes take.
pub const SAMPLING_DURATION: Desc = Desc::latency(
    "node0_sampling_duration_seconds",
    "Time that one pass over all cells took, for a tick or a fresh read.",
);

/// What the cells of all threads weigh.
pub const RECORDING_BYTES: Desc = Desc::gauge(
    "node0_recording_bytes",
    "Bytes held by the recording cells of all threads in the process.",
)
.unit(crate::desc::Unit::Bytes);

/// Threads that have recorded and not ended.
pub const RECORDING_THREADS: Desc = Desc::gauge(
    "node0_recording_threads",
    "Threads of the process that hold recording cells: those that have recorded and not ended.",
);

/// Values beyond what a cell can tell apart.
pub const VALUES_CLAMPED: Desc = Desc::counter(
    "node0_values_clamped_total",
    "Durations beyond 73 minutes and other values beyond 2^64, which were recorded as just that.",
);

/// Values that were refused.
pub const VALUES_DROPPED: Desc = Desc::counter(
    "node0_values_dropped_total",
    "Values that no cell can hold: negative or not finite, or without a series to go to.",
);

/// What passes remember.
#[derive(Debug)]
pub(crate) struct Pass {
    rows: Vec<Row>,
    /// Which of the rows are gauges.
    gauges: Vec<usize>,
    schema: Arc<Schema>,
    time: Timeline,
    tick: Duration,
    number: u64,
    own: OwnMetrics,
    /// The sample of the last read, with its number among all that began.
    shared: Option<(u64, Arc<Sample>)>,
    /// The values of a sample that nobody holds any more, to make the next one's of: new
    /// memory costs as much as filling it, and a histogram that did not change is there.
    spare: Vec<Value>,
    scratch: Scratch,
}

/// The passes of a registry.
#[derive(Debug)]
pub(crate) struct Passes {
    pass: Mutex<Pass>,
    begun: AtomicU64,
    latest: Mutex<Arc<Sample>>,
    /// Held by the reader that ticks because nobody else does.
    unattended: Mutex<()>,
}

/// What the core says of itself.
#[derive(Debug)]
struct OwnMetrics {
    duration: Latency,
    threads: Gauge,
    bytes: Gauge,
    clamped: Counter,
    dropped: Counter,
}

/// Whether a pass ends the running tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Tick,
    Nothing,
}

impl Passes {
    pub(crate) fn new(clock: &Clock, tick: Duration, rule: Rule) -> Self {
        let snapshot = Snapshot { schema: Arc::default(), values: Vec::new() };
        let empty = Sample {
            pass: 0,
            at: clock.wall(),
            uptime: clock.uptime(),
            snapshot,
            topics: Vec::new(),
            monitors: Arc::new([]),
        };
        let pass = Pass {
            rows: Vec::new(),
            gauges: Vec::new(),
            schema: Arc::default(),
            time: Timeline::starting(clock.uptime(), rule),
            tick,
            number: 0,
            own: OwnMetrics {
                duration: Latency::disabled(),
                threads: Gauge::disabled(),
                bytes: Gauge::disabled(),
                clamped: Counter::disabled(),
                dropped: Counter::disabled(),
            },
            shared: None,
            spare: Vec::new(),
            scratch: Scratch::new(),
        };
        let latest = Mutex::new(Arc::new(empty));
        Self {
            pass: Mutex::new(pass),
            begun: AtomicU64::new(0),
            latest,
            unattended: Mutex::new(()),
        }
    }

    /// Registers what the core says of itself.
    pub(crate) fn register_own(&self, registry: &Registry) -> Result<(), RegisterError> {
        registry.inner.board.set_overall(registry.gauge(&HEALTH_SCORE, &[])?);
        lock(&self.pass).own = OwnMetrics {
            duration: registry.latency(&SAMPLING_DURATION, &[])?,
            threads: registry.gauge(&RECORDING_THREADS, &[])?,
            bytes: registry.gauge(&RECORDING_BYTES, &[])?,
            clamped: registry.counter(&VALUES_CLAMPED, &[])?,
            dropped: registry.counter(&VALUES_DROPPED, &[])?,
        };
        Ok(())
    }

    pub(crate) fn latest(&self) -> Arc<Sample> {
        lock(&self.latest).clone()
    }
}

impl Inner {
    /// Ends the running tick and publishes its sample.
    pub(crate) fn tick(&self) -> (Arc<Sample>, Vec<HealthChange>) {
        let mut numbers = {
            let mut pass = lock(&self.passes.pass);
            self.passes.begun.fetch_add(1, Ordering::AcqRel);
            pass.run(self, Ending::Tick)
        };
        // Not under the pass's lock: a judgement that hangs holds the ticker only.
        let changes = self.board.judge(&numbers.view());
        numbers.topics = self.board.believed();
        self.board.show(&numbers.topics, &mut numbers.snapshot);
        let sample = Arc::new(numbers);
        let before = mem::replace(&mut *lock(&self.passes.latest), sample.clone());
        lock(&self.passes.pass).reuse(before);
        (sample, changes)
    }

    /// A sample of a pass that begins after this call.
    pub(crate) fn read(&self) -> Arc<Sample> {
        // A read-modify-write like those that begin a pass: one that came before
        // sees all that this thread recorded, one that came after is not taken.
        let arrived = self.passes.begun.fetch_add(0, Ordering::AcqRel);
        if let Some(sample) = self.tick_for_nobody() {
            return sample;
        }
        let mut pass = lock(&self.passes.pass);
        if let Some((number, sample)) = &pass.shared
            && *number > arrived
        {
            return sample.clone();
        }
        let number = self.passes.begun.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some((_, before)) = pass.shared.take() {
            pass.reuse(before);
        }
        let sample = Arc::new(pass.run(self, Ending::Nothing));
        pass.shared = Some((number, sample.clone()));
        sample
    }

    /// Ticks where there is no ticker, once a tick's time has passed; one reader at a time.
    fn tick_for_nobody(&self) -> Option<Arc<Sample>> {
        if self.ticking.load(Ordering::Relaxed) || !self.is_tick_due() {
            return None;
        }
        let _sole = try_lock(&self.passes.unattended)?;
        self.is_tick_due().then(|| {
            self.board.poll();
            self.tick().0
        })
    }

    fn is_tick_due(&self) -> bool {
        let pass = lock(&self.passes.pass);
        let since = self.context.clock.uptime().saturating_sub(pass.time.ticks.running());
        since >= pass.tick || pass.time.ended == 0
    }
}

impl Pass {
    fn run(&mut self, inner: &Inner, ending: Ending) -> Sample {
        let context = &inner.context;
        let started = context.clock.now();
        self.follow(inner);
        // Before anything is read, so that what the last handle recorded is.
        let orphans = (ending == Ending::Tick && self.rows.iter().any(|row| row.cells.is_orphan()))
            .then(|| lock(&inner.families).orphans(&self.schema));
        let now = context.clock.uptime();
        let reader = Reader::new();
        let ended = (ending == Ending::Tick).then(|| self.time.advance(now));
        if ended.is_some() {
            context.tick.fetch_add(1, Ordering::Relaxed);
        }
        let mut values = mem::take(&mut self.spare);
        values.resize_with(self.rows.len(), Value::unknown);
        let present = self.time.present(now);
        // One row after the other, each while it is at hand.
        for (row, value) in self.rows.iter_mut().zip(&mut values) {
            row.collect(&reader, &mut self.scratch, value);
            if let Some(tick) = ended {
                row.close(&reader, tick, self.time.rule);
            }
            row.show(&reader, present, value);
        }
        self.show_gauges(context, &mut values);
        if let Some(orphans) = orphans {
            lock(&inner.families).remove(&orphans);
        }
        self.number += 1;
        self.own.note(context, started);
        Sample {
            pass: self.number,
            at: context.clock.wall(),
            uptime: now,
            snapshot: Snapshot { schema: self.schema.clone(), values },
            topics: inner.board.believed(),
            monitors: inner.board.monitors(),
        }
    }

    /// Reads the gauges again, with none of those that are set together between two of the reads.
    fn show_gauges(&self, context: &Context, values: &mut [Value]) {
        let _together = lock(&context.together);
        for row in &self.gauges {
            if let Cells::Gauge(core) = &self.rows[*row].cells {
                values[*row] = Value::Gauge(core.value());
            }
        }
    }

    /// Keeps the room that a sample took, if nobody else holds it.
    fn reuse(&mut self, sample: Arc<Sample>) {
        if let Some(sample) = Arc::into_inner(sample) {
            self.spare = sample.snapshot.values;
        }
    }

    /// Takes in the series that came, and lets go of those that went.
    fn follow(&mut self, inner: &Inner) {
        let (schema, cells) = {
            let families = lock(&inner.families);
            if families.generation == self.schema.generation {
                return;
            }
            families.schema()
        };
        let mut rows: Vec<Option<Row>> = self.rows.drain(..).map(Some).collect();
        self.rows = cells
            .into_iter()
            .map(|cells| {
                let known = self.schema.rows.get(&cells.id());
                known
                    .and_then(|row| rows[*row].take())
                    .unwrap_or_else(|| Row::new(cells, &self.time))
            })
            .collect();
        let gauges = self.rows.iter().enumerate();
        let gauges = gauges.filter(|(_, row)| matches!(row.cells, Cells::Gauge(_)));
        self.gauges = gauges.map(|(at, _)| at).collect();
        self.schema = Arc::new(schema);
    }
}

impl OwnMetrics {
    fn note(&self, context: &Context, started: crate::clock::Moment) {
        self.duration.record(context.clock.since(started));
        self.threads.set(lanes::leased() as f64);
        self.bytes.set(lanes::bytes() as f64);
        self.clamped.add(context.clamped.swap(0, Ordering::Relaxed));
        self.dropped.add(context.dropped.swap(0, Ordering::Relaxed));
    }
}
