//! What a pass remembers of each series, to know what is new since the last one.

mod histogram;

use std::collections::VecDeque;
use std::time::Duration;

use crate::reading::snapshot::{Count, Value};
use crate::reading::window::{Rule, Ticks};
use crate::recording::counter::CounterCore;
use crate::recording::kinds::Cells;
use crate::recording::lanes::Reader;
use crate::recording::layout::Layout;
use crate::recording::up_down::level;

use histogram::HistogramMemory;
pub(crate) use histogram::Scratch;

/// Rates are over this many whole ticks.
const RATE_TICKS: usize = 10;
/// How long a peak is shown.
const PEAK_SPAN: Duration = Duration::from_secs(60);

/// The time as a pass sees it.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) ticks: Ticks,
    /// The ends of the last whole ticks, by tick number.
    ends: [Duration; RATE_TICKS + 1],
    /// How long the last whole ticks were together, by how many.
    spans: [Duration; RATE_TICKS + 1],
    /// How many ticks have ended.
    pub(crate) ended: usize,
    pub(crate) rule: Rule,
}

impl Timeline {
    pub(crate) fn starting(at: Duration, rule: Rule) -> Self {
        Self {
            ticks: Ticks::starting(at),
            ends: [at; RATE_TICKS + 1],
            spans: [Duration::ZERO; RATE_TICKS + 1],
            ended: 0,
            rule,
        }
    }

    /// Ends the running tick, and says which it was, for the rows to close.
    pub(crate) fn advance(&mut self, now: Duration) -> Ended {
        let ended = Ended { number: self.ended, start: self.ticks.running(), end: now };
        self.ended += 1;
        let slots = self.ends.len();
        self.ends[self.ended % slots] = now;
        for (ticks, span) in self.spans.iter_mut().enumerate() {
            *span = now.saturating_sub(self.ends[self.ended.saturating_sub(ticks) % slots]);
        }
        self.ticks.advance(now, self.rule.max_age);
        ended
    }

    pub(crate) fn present(&self, now: Duration) -> Present<'_> {
        Present { time: self, now, reach: self.ticks.reach(now, self.rule.max_age) }
    }
}

/// The moment that a pass shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    time: &'a Timeline,
    now: Duration,
    /// The oldest tick that any window reaches back to.
    reach: Duration,
}

/// A tick that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// How many ended before.
    number: usize,
    start: Duration,
    end: Duration,
}

/// One series: its cells, and what the passes before found there.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Cells,
    /// The cells' slot in the lanes, here so that a pass need not follow `cells`.
    slot: u32,
    memory: Memory,
}

#[derive(Debug)]
enum Memory {
    Nothing,
    Counter(Recently),
    Peak(VecDeque<(Duration, u64)>),
    Histogram(Box<HistogramMemory>),
}

/// A counter's rise over the last whole ticks.
///
/// Small, since a scrape goes through that of every series; only ticks go to the heap.
#[derive(Debug)]
struct Recently {
    rise: u64,
    /// How many ticks the series has seen, at most [`RATE_TICKS`].
    seen: u8,
    /// The totals at the ends of the last ticks, by tick number.
    at_end: Box<[u64; RATE_TICKS + 1]>,
}

impl Row {
    pub(crate) fn new(cells: Cells, time: &Timeline) -> Self {
        let histogram =
            |layout, bounds: &[f64]| HistogramMemory::new(layout, bounds, time.ticks.running());
        let memory = match &cells {
            Cells::Counter(core) => Memory::Counter(Recently {
                rise: 0,
                seen: 0,
                // What the series went on from is not recent.
                at_end: Box::new([core.resumed(); RATE_TICKS + 1]),
            }),
            Cells::Peak(_) => Memory::Peak(VecDeque::new()),
            Cells::Latency(core) => {
                let mut memory = histogram(Layout::Latency, core.exemplars.bounds());
                core.resumed().into_iter().for_each(|totals| memory.resume(totals));
                Memory::Histogram(Box::new(memory))
            }
            Cells::Distribution(core) => {
                Memory::Histogram(Box::new(histogram(Layout::Float, core.bounds())))
            }
            Cells::Gauge(_) | Cells::UpDown(_) => Memory::Nothing,
        };
        let slot = match &cells {
            Cells::Counter(core) | Cells::UpDown(core) => core.slot(),
            Cells::Latency(core) => core.slot(),
            Cells::Gauge(_) | Cells::Peak(_) | Cells::Distribution(_) => u32::MAX,
        };
        Self { cells, slot, memory }
    }

    /// Takes in what was recorded since the last pass, whose value is let go of if there is something.
    pub(crate) fn collect(&mut self, reader: &Reader, scratch: &mut Scratch, value: &mut Value) {
        let Memory::Histogram(memory) = &mut self.memory else {
            return;
        };
        match &self.cells {
            Cells::Latency(core) => {
                let shared = reader.shared(|| core.shared_sum());
                let mark = reader.sum(self.slot).wrapping_add(shared);
                if memory.has_moved(mark) {
                    memory.let_go(value);
                    memory.take_latency(core, mark, reader, scratch);
                }
            }
            Cells::Distribution(core) => {
                let mark = core.records();
                if memory.has_moved(mark) {
                    memory.let_go(value);
                    memory.take_distribution(core, mark, scratch);
                }
            }
            _ => {}
        }
    }

    /// Ends a tick, after [`Self::collect`].
    pub(crate) fn close(&mut self, reader: &Reader, tick: Ended, rule: Rule) {
        match (&mut self.memory, &self.cells) {
            (Memory::Counter(recently), Cells::Counter(core)) => {
                recently.close(total(self.slot, core, reader), tick.number);
            }
            (Memory::Peak(peaks), Cells::Peak(core)) => {
                let peak = core.rotate();
                while peaks.back().is_some_and(|(_, lower)| *lower <= peak) {
                    peaks.pop_back();
                }
                peaks.push_back((tick.end, peak));
                while peaks.front().is_some_and(|(end, _)| *end + PEAK_SPAN < tick.end) {
                    peaks.pop_front();
                }
            }
            (Memory::Histogram(memory), _) => memory.close(tick, rule),
            _ => {}
        }
    }

    /// Puts the value to publish in the place of an older one.
    pub(crate) fn show(&mut self, reader: &Reader, present: Present<'_>, value: &mut Value) {
        *value = match (&self.cells, &mut self.memory) {
            (Cells::Counter(core), Memory::Counter(recently)) => {
                Value::Counter(recently.count(total(self.slot, core, reader), present.time))
            }
            (Cells::UpDown(core), _) => Value::Gauge(level(total(self.slot, core, reader)) as f64),
            (Cells::Gauge(core), _) => Value::Gauge(core.value()),
            (Cells::Peak(core), Memory::Peak(peaks)) => {
                let held = peaks.front().map_or(0, |(_, peak)| *peak);
                Value::Gauge(held.max(core.running()) as f64)
            }
            (_, Memory::Histogram(memory)) => return memory.show(present, value),
            _ => Value::unknown(),
        };
    }
}

/// A counter's total, as [`CounterCore::total`] without its cache line.
fn total(slot: u32, core: &CounterCore, reader: &Reader) -> u64 {
    reader.total(slot).wrapping_add(reader.shared(|| core.shared()))
}

impl Recently {
    /// Ends the tick before which so many had ended.
    fn close(&mut self, total: u64, number: usize) {
        let slots = self.at_end.len();
        let ended = number + 1;
        self.seen = (self.seen + 1).min(RATE_TICKS as u8);
        self.at_end[ended % slots] = total;
        self.rise = total.wrapping_sub(self.at_end[(ended - usize::from(self.seen)) % slots]);
    }

    fn count(&self, total: u64, time: &Timeline) -> Count {
        Count { total, recent: self.rise, span: time.spans[usize::from(self.seen)] }
    }
}
