//! Rows: the state of each series between passes.
//!
//! Cells hold cumulative totals. To know the new records, a pass compares them with the totals
//! of the previous pass, which the series' row remembers. What a row remembers depends on the
//! kind of its metric. The row of a counter keeps the totals at the ends of the last ticks, that
//! of a peak the highest values of the last minute, and that of a histogram its totals and its
//! window. The row of a gauge keeps nothing.
//!
//! A pass updates one row after the other: it reads the cells, ends the tick if the pass does,
//! and writes the value for the sample. The memory of a histogram takes long to arrive in the
//! cache of the core that runs the pass. So [`Row::moved`] and [`Row::fetch`] ask for it while
//! the rows before are updated.

mod counter;
mod histogram;
mod peak;
mod slowest;

use crate::reading::snapshot::Value;
use crate::reading::timeline::{ClosedTick, PassTime, Timeline};
use crate::reading::window::Closing;
use crate::recording::cells::Block;
use crate::recording::counter::CounterCore;
use crate::recording::kinds::Cells;
use crate::recording::lanes::Reader;
use crate::recording::layout::Layout;
use crate::recording::line::fetch;
use crate::recording::memory;
use crate::recording::up_down::level;

use counter::CounterMemory;
use histogram::HistogramMemory;
pub(crate) use histogram::Scratch;
use peak::PeakMemory;

/// What a pass has for all rows.
pub(crate) struct Turn<'a> {
    pub(crate) reader: &'a Reader,
    /// The tick that the pass ends, if it does.
    pub(crate) closed: Option<ClosedTick>,
    pub(crate) at: PassTime<'a>,
    /// The bytes of cells and windows beyond which windows are thinned.
    pub(crate) budget: usize,
}

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

    /// Returns `true` for the rows that [`Self::update_histogram`] updates.
    pub(crate) fn is_histogram(&self) -> bool {
        matches!(self.memory, Memory::Latency { .. } | Memory::Distribution(_))
    }

    /// Reads the cells, ends the tick if the pass does, and returns the present value.
    pub(crate) fn update(&mut self, turn: &Turn<'_>) -> Value {
        let Turn { reader, closed, at, .. } = turn;
        match (&self.cells, &mut self.memory) {
            (Cells::Counter(core), Memory::Counter(memory)) => {
                let total = total(memory.slot, core, reader);
                if let Some(tick) = closed {
                    memory.close(total, tick.number);
                }
                Value::Counter(memory.count(total, at.time))
            }
            (Cells::UpDown(core), Memory::UpDown { slot }) => {
                Value::Gauge(level(total(*slot, core, reader)) as f64)
            }
            (Cells::Gauge(core), _) => Value::Gauge(core.value()),
            (Cells::Peak(core), Memory::Peak(memory)) => {
                if let Some(tick) = closed {
                    memory.close(core.rotate(), tick.end);
                }
                Value::Gauge(memory.highest().max(core.running()) as f64)
            }
            _ => Value::unknown(),
        }
    }

    /// Returns the mark of a histogram's cells if they hold new records, and fetches its memory.
    ///
    /// The mark is read before the buckets, so these hold every record that it includes.
    pub(crate) fn moved(&self, reader: &Reader) -> Option<u64> {
        match (&self.cells, &self.memory) {
            (Cells::Latency(core), Memory::Latency { slot, memory }) => {
                let mark = reader.sum(*slot).wrapping_add(reader.shared(|| core.shared_sum()));
                let has_moved = memory.has_moved(mark);
                if has_moved {
                    memory.fetch();
                    reader.blocks(*slot).for_each(Block::fetch);
                }
                has_moved.then_some(mark)
            }
            (Cells::Distribution(core), Memory::Distribution(memory)) => {
                Some(core.records()).filter(|mark| memory.has_moved(*mark))
            }
            _ => None,
        }
    }

    /// Fetches what the memory of a histogram that has moved points to.
    pub(crate) fn fetch(&self, reader: &Reader) {
        if let (Cells::Latency(core), Memory::Latency { slot, memory }) =
            (&self.cells, &self.memory)
        {
            reader.blocks(*slot).for_each(Block::fetch_lines);
            fetch(&**core);
            memory.fetch_known();
        }
    }

    /// Fetches what that memory points to in turn.
    pub(crate) fn fetch_further(&self) {
        if let Memory::Latency { memory, .. } = &self.memory {
            memory.fetch_further();
        }
    }

    /// Does for a histogram what [`Self::update`] does for other rows; `mark` is that of
    /// [`Self::moved`].
    ///
    /// `value` is the series' value in an older sample, which is kept if it is still right. If
    /// there are new records it is dropped first, so that the running tick's delta is not cloned.
    pub(crate) fn update_histogram(
        &mut self,
        turn: &Turn<'_>,
        mark: Option<u64>,
        scratch: &mut Scratch,
        value: &mut Value,
    ) {
        let Turn { reader, closed, at, .. } = turn;
        let memory = match (&self.cells, &mut self.memory) {
            (Cells::Latency(core), Memory::Latency { memory, .. }) => {
                if let Some(mark) = mark {
                    memory.release_running(value);
                    memory.collect_latency(core, mark, reader, scratch);
                }
                memory
            }
            (Cells::Distribution(core), Memory::Distribution(memory)) => {
                if let Some(mark) = mark {
                    memory.release_running(value);
                    memory.collect_distribution(core, mark, scratch);
                }
                memory
            }
            _ => return,
        };
        if let Some(tick) = *closed {
            let (rule, thins) = (at.time.rule, memory::bytes() > turn.budget);
            memory.close(&mut Closing { tick, rule, thins, window: &mut scratch.window });
        }
        memory.publish(*at, value);
    }

    /// Returns `true` if the published window has thin buckets.
    pub(crate) fn is_thinned(&self) -> bool {
        match &self.memory {
            Memory::Latency { memory, .. } | Memory::Distribution(memory) => memory.is_thinned(),
            _ => false,
        }
    }
}

/// Returns a counter's total as [`CounterCore::total`] does, without loading the core's cache line.
fn total(slot: u32, core: &CounterCore, reader: &Reader) -> u64 {
    reader.total(slot).wrapping_add(reader.shared(|| core.shared()))
}
