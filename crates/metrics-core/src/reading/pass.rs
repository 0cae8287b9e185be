//! A pass: reads the cells of all threads and makes the values of one sample.
//!
//! One pass runs at a time, and readers share passes. A reader that arrives while a pass runs
//! does not take its result, which may lack what the reader has just recorded. It waits for the
//! next pass, together with all other readers that wait: one pass serves them all.
//!
//! A pass goes through the rows; each series has one [`Row`], which holds its state between
//! passes. For each row it collects the new records, closes the tick if this pass ends one, and
//! publishes the value, all at once, while the row is in the CPU cache.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::naming::desc::Desc;
use crate::reading::rows::{Row, Scratch, Turn};
use crate::reading::sample::Sample;
use crate::reading::snapshot::{Schema, Snapshot, Value};
use crate::reading::timeline::Timeline;
use crate::reading::window::Rule;
use crate::recording::context::Context;
use crate::recording::counter::Counter;
use crate::recording::gauge::Gauge;
use crate::recording::kinds::Cells;
use crate::recording::lanes::{self, Reader};
use crate::recording::latency::Latency;
use crate::recording::memory;
use crate::recording::register_error::RegisterError;
use crate::recording::remembered::Totals;
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};

/// The time that passes take.
pub const SAMPLING_DURATION: Desc = Desc::latency(
    "node0_sampling_duration_seconds",
    "Time that one pass over all cells took, for a tick or a fresh read.",
);

/// The age of the published sample.
pub const SAMPLE_AGE: Desc = Desc::gauge(
    "node0_sample_age_seconds",
    "Time since the last tick, which judged the health: up to a tick; beyond three ticks sampling stands still, and all health is unknown.",
)
.unit(crate::naming::desc::Unit::Seconds);

/// The memory of all threads' cells and of all windows.
pub const RECORDING_BYTES: Desc = Desc::gauge(
    "node0_recording_bytes",
    "Bytes held by the cells of all threads and the windows of all series in the process.",
)
.unit(crate::naming::desc::Unit::Bytes);

/// The series that are thinned.
pub const THINNED_SERIES: Desc = Desc::gauge(
    "node0_thinned_series",
    "Latencies and distributions that are less exact, because recording memory reached its budget.",
);

/// The live threads that have recorded.
pub const RECORDING_THREADS: Desc = Desc::gauge(
    "node0_recording_threads",
    "Threads of the process that hold recording cells: those that have recorded and not ended.",
);

/// The values that were recorded as the largest that a cell can hold.
pub const VALUES_CLAMPED: Desc = Desc::counter(
    "node0_values_clamped_total",
    "Durations beyond 73 minutes and other values beyond 2^64, which were recorded as that maximum.",
);

/// The values that were refused.
pub const VALUES_DROPPED: Desc = Desc::counter(
    "node0_values_dropped_total",
    "Values that were not recorded because they are negative, not finite, or have no series.",
);

/// The state that is kept from one pass to the next.
#[derive(Debug)]
pub(crate) struct Pass {
    rows: Vec<Row>,
    runs: Vec<Run>,
    /// The indexes of the rows that are gauges.
    gauges: Vec<usize>,
    schema: Arc<Schema>,
    pub(crate) time: Timeline,
    number: u64,
    own: OwnMetrics,
    /// The sample of the last read, and the number of its pass in [`Passes::begun`].
    pub(crate) shared: Option<(u64, Arc<Sample>)>,
    /// The values of an older sample that has no readers left, for the next pass to overwrite.
    ///
    /// This saves an allocation, which costs as much as filling it, and a histogram that did
    /// not change is not written again.
    spare: Vec<Value>,
    scratch: Scratch,
    /// The number of series that were thinned in the last pass.
    thinned: usize,
}

/// Successive rows that are all histograms, or all not.
#[derive(Debug)]
struct Run {
    len: usize,
    is_histogram: bool,
}

/// The passes of a registry.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(crate) pass: Mutex<Pass>,
    /// The number of passes that have begun.
    pub(crate) begun: AtomicU64,
    pub(crate) latest: Mutex<Arc<Sample>>,
    /// Locked for a whole tick, by the ticker or by a reader that ticks because there is none.
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
    /// The end of the last tick.
    pub(crate) judged: Duration,
    pub(crate) snapshot: Snapshot,
}

/// The metrics of the passes themselves.
#[derive(Debug)]
struct OwnMetrics {
    duration: Latency,
    age: Gauge,
    threads: Gauge,
    bytes: Gauge,
    thinned: Gauge,
    clamped: Counter,
    dropped: Counter,
}

/// The reason for a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassKind {
    /// The end of a tick.
    Tick,
    /// A fresh read, which does not end the running tick.
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
            judged: clock.uptime(),
            snapshot,
            topics: Arc::new([]),
            monitors: Arc::new([]),
        };
        let pass = Pass {
            rows: Vec::new(),
            runs: Vec::new(),
            gauges: Vec::new(),
            schema: Arc::default(),
            time: Timeline::starting(clock.uptime(), rule),
            number: 0,
            own: OwnMetrics {
                duration: Latency::disabled(),
                age: Gauge::disabled(),
                threads: Gauge::disabled(),
                bytes: Gauge::disabled(),
                thinned: Gauge::disabled(),
                clamped: Counter::disabled(),
                dropped: Counter::disabled(),
            },
            shared: None,
            spare: Vec::new(),
            scratch: Scratch::new(),
            thinned: 0,
        };
        let latest = Mutex::new(Arc::new(empty));
        Self { pass: Mutex::new(pass), begun: AtomicU64::new(0), latest, sole_tick: Mutex::new(()) }
    }

    /// Registers the metrics of the passes themselves.
    pub(crate) fn register_own(&self, store: &Store) -> Result<(), RegisterError> {
        lock(&self.pass).own = OwnMetrics {
            duration: store.handle(&SAMPLING_DURATION, &[])?,
            age: store.handle(&SAMPLE_AGE, &[])?,
            threads: store.handle(&RECORDING_THREADS, &[])?,
            bytes: store.handle(&RECORDING_BYTES, &[])?,
            thinned: store.handle(&THINNED_SERIES, &[])?,
            clamped: store.handle(&VALUES_CLAMPED, &[])?,
            dropped: store.handle(&VALUES_DROPPED, &[])?,
        };
        Ok(())
    }
}

impl Pass {
    pub(crate) fn run(&mut self, store: &Store, kind: PassKind) -> PassResult {
        let context = &store.context;
        let started = context.clock.now();
        // Before the pass, which holds two samples while it runs.
        self.own.bytes.set(memory::bytes() as f64);
        self.update_rows(store);
        let is_tick_end = kind == PassKind::Tick;
        // Orphans (series without handles) are looked for before the cells are read. A handle
        // that is dropped later may have recorded after this pass read its cells: its series
        // must stay for another pass, or the record would be lost.
        let orphans = (is_tick_end && self.rows.iter().any(|row| row.cells.is_orphan()))
            .then(|| lock(&store.families).orphans(&self.schema));
        let now = context.clock.uptime();
        let reader = Reader::new();
        let closed = is_tick_end.then(|| self.time.advance(now));
        if is_tick_end {
            context.tick.fetch_add(1, Ordering::Relaxed);
        }
        let judged = self.time.ticks.running();
        // Set before the gauges are read, so that this very sample tells its age.
        self.own.age.set(now.saturating_sub(judged).as_secs_f64());
        let mut values = mem::take(&mut self.spare);
        values.resize_with(self.rows.len(), Value::unknown);
        let budget = context.recording_bytes;
        let turn = Turn { reader: &reader, closed, at: self.time.at(now), budget };
        let (mut rows, mut rest) = (&mut *self.rows, &mut *values);
        for run in &self.runs {
            let (these, further) = rows.split_at_mut(run.len);
            let (values, behind) = rest.split_at_mut(run.len);
            if run.is_histogram {
                update_histograms(these, &turn, &mut self.scratch, values);
            } else {
                these.iter_mut().zip(values).for_each(|(row, value)| *value = row.update(&turn));
            }
            (rows, rest) = (further, behind);
        }
        self.publish_gauges(context, &mut values);
        // Mostly there are none, and a pass over idle series would take twice as long.
        if self.thinned > 0 || memory::bytes() > budget {
            self.thinned = self.rows.iter().filter(|row| row.is_thinned()).count();
            self.own.thinned.set(self.thinned as f64);
        }
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
            judged,
            snapshot: Snapshot { schema: self.schema.clone(), values },
        }
    }

    /// Reads the gauges again, under the lock that
    /// [`Registry::set_all`](crate::Registry::set_all) holds while it sets several of them.
    fn publish_gauges(&self, context: &Context, values: &mut [Value]) {
        let _whole = lock(&context.set_all);
        for row in &self.gauges {
            if let Cells::Gauge(core) = &self.rows[*row].cells {
                values[*row] = Value::Gauge(core.value());
            }
        }
    }

    /// Keeps the memory of a sample for the next pass, if no reader holds the sample.
    ///
    /// Beyond the `budget` it is freed, and so is that of the last read.
    pub(crate) fn reuse(&mut self, sample: Arc<Sample>, budget: usize) {
        if memory::bytes() > budget {
            (self.spare, self.shared) = (Vec::new(), None);
        } else if let Some(sample) = Arc::into_inner(sample) {
            self.spare = sample.snapshot.values;
        }
    }

    /// Adds rows for new series and drops the rows of removed series.
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
                    // A series that expired and was registered again since the last pass has its
                    // old id and new cells. The old row would read the old cells for ever.
                    .filter(|row| row.cells.is(&cells))
                    .unwrap_or_else(|| Row::new(cells, &self.time))
            })
            .collect();
        let runs = self.rows.chunk_by(|a, b| a.is_histogram() == b.is_histogram());
        let run = |rows: &[Row]| Run { len: rows.len(), is_histogram: rows[0].is_histogram() };
        self.runs = runs.map(run).collect();
        let gauges = self.rows.iter().enumerate();
        let gauges = gauges.filter(|(_, row)| matches!(row.cells, Cells::Gauge(_)));
        self.gauges = gauges.map(|(at, _)| at).collect();
        self.schema = Arc::new(schema);
    }
}

/// Updates rows that are histograms.
///
/// Most of the time would go to waiting for memory that other cores have written. So each row is
/// asked for some rows before it is updated, in three steps, since each finds out where the next
/// one looks. A row that has not moved costs the first step only.
fn update_histograms(
    rows: &mut [Row],
    turn: &Turn<'_>,
    scratch: &mut Scratch,
    values: &mut [Value],
) {
    let mut marks = [None; STEPS];
    for at in 0..rows.len() + STEPS - 1 {
        if let Some(row) = rows.get(at) {
            marks[at % STEPS] = row.moved(turn.reader);
        }
        let moved = |ahead: usize| at.checked_sub(ahead).filter(|at| marks[at % STEPS].is_some());
        if let Some(at) = moved(1) {
            rows[at].fetch(turn.reader);
        }
        if let Some(at) = moved(2) {
            rows[at].fetch_further();
        }
        if let Some(at) = at.checked_sub(3) {
            let mark = marks[at % STEPS].take();
            rows[at].update_histogram(turn, mark, scratch, &mut values[at]);
        }
    }
}

/// The steps for one row: three that ask for its memory, and the last that uses it.
const STEPS: usize = 4;

impl OwnMetrics {
    fn note(&self, context: &Context, started: crate::clock::Moment) {
        self.duration.record(context.clock.since(started));
        self.threads.set(lanes::leased() as f64);
        self.clamped.add(context.clamped.swap(0, Ordering::Relaxed));
        self.dropped.add(context.dropped.swap(0, Ordering::Relaxed));
    }
}
