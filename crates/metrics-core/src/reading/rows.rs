//! Rows: the state of each series between passes.
//!
//! Cells hold cumulative totals. To know the new records, a pass compares them with the totals
//! of the previous pass, which the series' row remembers. A row has three operations, in the
//! order in which a pass calls them: [`Row::collect`] adds the new records to the running tick,
//! [`Row::close`] ends the tick, and [`Row::publish`] writes the value for the sample. What a row
//! remembers depends on the kind of its metric. The row of a counter keeps the totals at the ends
//! of the last ticks, that of a peak the highest values of the last minute, and that of a
//! histogram its totals and its window. The row of a gauge keeps nothing.

mod counter;
mod histogram;
mod peak;

use crate::reading::snapshot::Value;
use crate::reading::timeline::{ClosedTick, PassTime, Timeline};
use crate::reading::window::Rule;
use crate::recording::counter::CounterCore;
use crate::recording::kinds::Cells;
use crate::recording::lanes::Reader;
use crate::recording::layout::Layout;
use crate::recording::up_down::level;

use counter::CounterMemory;
use histogram::HistogramMemory;
pub(crate) use histogram::Scratch;
use peak::PeakMemory;

/// One series: its cells, and its state as of the last pass.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Cells,
    memory: Memory,
}

/// The state of a series as of the last pass.
///
/// Most series are counters and gauges, and a scrape reads all rows. So what is larger than the
/// memory of a counter is boxed: each eight bytes more in a row make a scrape of 100 000 counters
/// 3 % slower. A `slot` is that of the cells in the lanes, copied here so that a pass need not
/// dereference them.
#[derive(Debug)]
enum Memory {
    Nothing,
    Counter(CounterMemory),
    UpDown { slot: u32 },
    Peak(Box<PeakMemory>),
    Latency { slot: u32, memory: Box<HistogramMemory> },
    Distribution(Box<HistogramMemory>),
}

impl Row {
    pub(crate) fn new(cells: Cells, time: &Timeline) -> Self {
        let histogram =
            |layout, bounds: &[f64]| HistogramMemory::new(layout, bounds, time.ticks.running());
        let memory = match &cells {
            // A series that returned after expiry starts at its old total, which is not
            // part of its recent count.
            Cells::Counter(core) => {
                Memory::Counter(CounterMemory::new(core.slot(), core.resumed()))
            }
            Cells::UpDown(core) => Memory::UpDown { slot: core.slot() },
            Cells::Peak(_) => Memory::Peak(Box::default()),
            Cells::Latency(core) => {
                let mut memory = histogram(Layout::Latency, core.exemplars.bounds());
                core.resumed().into_iter().for_each(|totals| memory.resume(totals));
                Memory::Latency { slot: core.slot(), memory: Box::new(memory) }
            }
            Cells::Distribution(core) => {
                Memory::Distribution(Box::new(histogram(Layout::Distribution, core.bounds())))
            }
            Cells::Gauge(_) => Memory::Nothing,
        };
        Self { cells, memory }
    }

    /// Adds the records since the last pass to the running tick.
    ///
    /// `value` is the series' value in an older sample. If there are new records, it may be
    /// dropped, so that the running tick's delta is not cloned; [`Self::publish`] replaces it.
    pub(crate) fn collect(&mut self, reader: &Reader, scratch: &mut Scratch, value: &mut Value) {
        match (&self.cells, &mut self.memory) {
            (Cells::Latency(core), Memory::Latency { slot, memory }) => {
                // The sum is read before the buckets, so the buckets hold every record that the
                // sum holds.
                let shared = reader.shared(|| core.shared_sum());
                let mark = reader.sum(*slot).wrapping_add(shared);
                if memory.has_moved(mark) {
                    memory.release_running(value);
                    memory.collect_latency(core, mark, reader, scratch);
                }
            }
            (Cells::Distribution(core), Memory::Distribution(memory)) => {
                let mark = core.records();
                if memory.has_moved(mark) {
                    memory.release_running(value);
                    memory.collect_distribution(core, mark, scratch);
                }
            }
            // `publish` reads the cells of all other kinds.
            _ => {}
        }
    }

    /// Ends a tick; call [`Self::collect`] before.
    pub(crate) fn close(&mut self, reader: &Reader, tick: ClosedTick, rule: Rule) {
        match (&self.cells, &mut self.memory) {
            (Cells::Counter(core), Memory::Counter(memory)) => {
                memory.close(total(memory.slot, core, reader), tick.number);
            }
            (Cells::Peak(core), Memory::Peak(memory)) => memory.close(core.rotate(), tick.end),
            (_, Memory::Latency { memory, .. } | Memory::Distribution(memory)) => {
                memory.close(tick, rule);
            }
            _ => {}
        }
    }

    /// Replaces the series' value in an older sample by the present one.
    pub(crate) fn publish(&mut self, reader: &Reader, at: PassTime<'_>, value: &mut Value) {
        *value = match (&self.cells, &mut self.memory) {
            (Cells::Counter(core), Memory::Counter(memory)) => {
                Value::Counter(memory.count(total(memory.slot, core, reader), at.time))
            }
            (Cells::UpDown(core), Memory::UpDown { slot }) => {
                Value::Gauge(level(total(*slot, core, reader)) as f64)
            }
            (Cells::Gauge(core), _) => Value::Gauge(core.value()),
            (Cells::Peak(core), Memory::Peak(memory)) => {
                Value::Gauge(memory.highest().max(core.running()) as f64)
            }
            (_, Memory::Latency { memory, .. } | Memory::Distribution(memory)) => {
                return memory.publish(at, value);
            }
            _ => Value::unknown(),
        };
    }
}

/// Returns a counter's total as [`CounterCore::total`] does, without loading the core's cache line.
fn total(slot: u32, core: &CounterCore, reader: &Reader) -> u64 {
    reader.total(slot).wrapping_add(reader.shared(|| core.shared()))
}
