//! One pass over all cells, shared by whoever asked while it ran.
//!
//! There is one pass at a time. A reader that arrives while one runs waits for
//! it, and takes the result of the next, which began after it arrived and so
//! has all that it recorded. However many arrive, they cost one pass.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::naming::desc::Desc;
use crate::reading::rows::{Row, Scratch, Timeline};
use crate::reading::sample::Sample;
use crate::reading::snapshot::{Schema, Snapshot, Value};
use crate::reading::window::Rule;
use crate::recording::context::Context;
use crate::recording::counter::Counter;
use crate::recording::families::RegisterError;
use crate::recording::gauge::Gauge;
use crate::recording::kinds::Cells;
use crate::recording::lanes::{self, Reader};
use crate::recording::latency::Latency;
use crate::recording::remembered::Totals;
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};

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
.unit(crate::naming::desc::Unit::Bytes);

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
    pub(crate) time: Timeline,
    number: u64,
    own: OwnMetrics,
    /// The sample of the last read, with its number among all that began.
    pub(crate) shared: Option<(u64, Arc<Sample>)>,
    /// The values of a sample that nobody holds any more, to make the next one's of: new
    /// memory costs as much as filling it, and a histogram that did not change is there.
    spare: Vec<Value>,
    scratch: Scratch,
}

/// The passes of a registry.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(crate) pass: Mutex<Pass>,
    pub(crate) begun: AtomicU64,
    pub(crate) latest: Mutex<Arc<Sample>>,
    /// Held by the reader that ticks because nobody else does.
    pub(crate) unattended: Mutex<()>,
}

/// The numbers that a pass found.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) pass: u64,
    pub(crate) at: Timestamp,
    pub(crate) uptime: Duration,
    pub(crate) snapshot: Snapshot,
}

/// What a pass says of itself.
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
pub(crate) enum Ending {
    Tick,
    Nothing,
}

impl Passes {
    pub(crate) fn new(clock: &Clock, rule: Rule) -> Self {
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

    /// Registers what a pass says of itself.
    pub(crate) fn register_own(&self, store: &Store) -> Result<(), RegisterError> {
        lock(&self.pass).own = OwnMetrics {
            duration: store.handle(&SAMPLING_DURATION, &[])?,
            threads: store.handle(&RECORDING_THREADS, &[])?,
            bytes: store.handle(&RECORDING_BYTES, &[])?,
            clamped: store.handle(&VALUES_CLAMPED, &[])?,
            dropped: store.handle(&VALUES_DROPPED, &[])?,
        };
        Ok(())
    }

    pub(crate) fn latest(&self) -> Arc<Sample> {
        lock(&self.latest).clone()
    }
}

impl Pass {
    pub(crate) fn run(&mut self, store: &Store, ending: Ending) -> Numbers {
        let context = &store.context;
        let started = context.clock.now();
        self.follow(store);
        // Before anything is read, so that what the last handle recorded is.
        let orphans = (ending == Ending::Tick && self.rows.iter().any(|row| row.cells.is_orphan()))
            .then(|| lock(&store.families).orphans(&self.schema));
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
            lock(&store.families).remove(&orphans, |row| Totals::of(&values[row]));
        }
        self.number += 1;
        self.own.note(context, started);
        Numbers {
            pass: self.number,
            at: context.clock.wall(),
            uptime: now,
            snapshot: Snapshot { schema: self.schema.clone(), values },
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
    pub(crate) fn reuse(&mut self, sample: Arc<Sample>) {
        if let Some(sample) = Arc::into_inner(sample) {
            self.spare = sample.snapshot.values;
        }
    }

    /// Takes in the series that came, and lets go of those that went.
    fn follow(&mut self, store: &Store) {
        let (schema, cells) = {
            let families = lock(&store.families);
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
