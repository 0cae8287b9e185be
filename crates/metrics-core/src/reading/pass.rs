//! One pass over all cells, shared by all readers that arrive while it runs.
//!
//! There is one pass at a time. A reader that arrives while one runs waits for
//! it, and takes the result of the next, which began after it arrived and so
//! has all that it recorded. Any number of readers that arrive together cost one pass.
//!
//! A pass goes through the rows, one for each series, and does three things with each while
//! it is in the cache: it collects what was recorded, closes the tick if the pass ends one,
//! and publishes the value.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::naming::desc::Desc;
use crate::reading::rows::{Row, Scratch};
use crate::reading::sample::Sample;
use crate::reading::snapshot::{Schema, Snapshot, Value};
use crate::reading::timeline::Timeline;
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

/// The time that passes take.
pub const SAMPLING_DURATION: Desc = Desc::latency(
    "node0_sampling_duration_seconds",
    "Time that one pass over all cells took, for a tick or a fresh read.",
);

/// The bytes of all threads' cells.
pub const RECORDING_BYTES: Desc = Desc::gauge(
    "node0_recording_bytes",
    "Bytes held by the recording cells of all threads in the process.",
)
.unit(crate::naming::desc::Unit::Bytes);

/// The threads that have recorded and not ended.
pub const RECORDING_THREADS: Desc = Desc::gauge(
    "node0_recording_threads",
    "Threads of the process that hold recording cells: those that have recorded and not ended.",
);

/// The values beyond the largest that a cell can tell from larger ones.
pub const VALUES_CLAMPED: Desc = Desc::counter(
    "node0_values_clamped_total",
    "Durations beyond 73 minutes and other values beyond 2^64, which were recorded as just that.",
);

/// The values that were refused.
pub const VALUES_DROPPED: Desc = Desc::counter(
    "node0_values_dropped_total",
    "Values that no cell can hold: negative or not finite, or without a series to go to.",
);

/// The state that one pass leaves to the next.
#[derive(Debug)]
pub(crate) struct Pass {
    rows: Vec<Row>,
    /// The rows that are gauges.
    gauges: Vec<usize>,
    schema: Arc<Schema>,
    pub(crate) time: Timeline,
    number: u64,
    own: OwnMetrics,
    /// The sample of the last read, with the number of its pass among all that have begun.
    pub(crate) shared: Option<(u64, Arc<Sample>)>,
    /// The values of a sample that nobody holds any more, which the next pass overwrites: new
    /// memory costs as much as filling it, and a histogram that did not change needs no writing.
    spare: Vec<Value>,
    scratch: Scratch,
}

/// The passes of a registry.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(crate) pass: Mutex<Pass>,
    /// The number of passes that have begun.
    pub(crate) begun: AtomicU64,
    pub(crate) latest: Mutex<Arc<Sample>>,
    /// Held for a whole tick, by the ticker or by a reader that ticks because there is none.
    pub(crate) sole_tick: Mutex<()>,
}

/// The result of one pass.
#[derive(Debug)]
pub(crate) struct PassResult {
    pub(crate) pass: u64,
    pub(crate) tick: u64,
    pub(crate) tick_span: Duration,
    pub(crate) is_tick_end: bool,
    pub(crate) at: Timestamp,
    pub(crate) uptime: Duration,
    pub(crate) snapshot: Snapshot,
}

/// The metrics of the passes themselves.
#[derive(Debug)]
struct OwnMetrics {
    duration: Latency,
    threads: Gauge,
    bytes: Gauge,
    clamped: Counter,
    dropped: Counter,
}

/// The occasion of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassKind {
    /// It ends the running tick.
    Tick,
    /// It is a fresh read, and the tick goes on.
    Read,
}

impl Passes {
    pub(crate) fn new(clock: &Clock, rule: Rule) -> Self {
        let snapshot = Snapshot { schema: Arc::default(), values: Vec::new() };
        let empty = Sample {
            pass: 0,
            tick: 0,
            tick_span: Duration::ZERO,
            is_tick_end: false,
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
        Self { pass: Mutex::new(pass), begun: AtomicU64::new(0), latest, sole_tick: Mutex::new(()) }
    }

    /// Registers the metrics of the passes themselves.
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
    pub(crate) fn run(&mut self, store: &Store, kind: PassKind) -> PassResult {
        let context = &store.context;
        let started = context.clock.now();
        self.update_rows(store);
        let is_tick_end = kind == PassKind::Tick;
        // Before the cells are read: a handle that is dropped later may have recorded after
        // its cells were read, and then the series must stay for another pass.
        let orphans = (is_tick_end && self.rows.iter().any(|row| row.cells.is_orphan()))
            .then(|| lock(&store.families).orphans(&self.schema));
        let now = context.clock.uptime();
        let reader = Reader::new();
        let closed = is_tick_end.then(|| self.time.advance(now));
        if is_tick_end {
            context.tick.fetch_add(1, Ordering::Relaxed);
        }
        let mut values = mem::take(&mut self.spare);
        values.resize_with(self.rows.len(), Value::unknown);
        let at = self.time.at(now);
        // All three for one row before the next: it is in the cache only once then.
        for (row, value) in self.rows.iter_mut().zip(&mut values) {
            row.collect(&reader, &mut self.scratch, value);
            if let Some(tick) = closed {
                row.close(&reader, tick, self.time.rule);
            }
            row.publish(&reader, at, value);
        }
        self.publish_gauges(context, &mut values);
        if let Some(orphans) = orphans {
            lock(&store.families).remove(&orphans, |row| Totals::of(&values[row]));
        }
        self.number += 1;
        self.own.note(context, started);
        PassResult {
            pass: self.number,
            tick: self.time.ended,
            tick_span: self.time.span_of_last(1),
            is_tick_end,
            at: context.clock.wall(),
            uptime: now,
            snapshot: Snapshot { schema: self.schema.clone(), values },
        }
    }

    /// Reads the gauges again, while no thread is within
    /// [`Registry::together`](crate::Registry::together).
    fn publish_gauges(&self, context: &Context, values: &mut [Value]) {
        let _together = lock(&context.together);
        for row in &self.gauges {
            if let Cells::Gauge(core) = &self.rows[*row].cells {
                values[*row] = Value::Gauge(core.value());
            }
        }
    }

    /// Keeps the memory of a sample for the next, if nobody else holds the sample.
    pub(crate) fn reuse(&mut self, sample: Arc<Sample>) {
        if let Some(sample) = Arc::into_inner(sample) {
            self.spare = sample.snapshot.values;
        }
    }

    /// Makes rows for series that came and drops those of series that went.
    fn update_rows(&mut self, store: &Store) {
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
                    // An expired series may have come back since the last pass, with its id but
                    // with new cells: the row of the old ones would read them for ever.
                    .filter(|row| row.cells.is(&cells))
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
