//! What a pass remembers of each series, to know what is new since the last one.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::{Buckets, Rise};
use crate::counter::CounterCore;
use crate::exemplar::Exemplar;
use crate::exported::Exported;
use crate::families::Cells;
use crate::lanes::Reader;
use crate::latency::BlockSums;
use crate::layout::{Layout, PER_LINE, PER_OCTAVE};
use crate::snapshot::{Count, Histogram, Shown, Value};
use crate::up_down::level;
use crate::window::{Recent, Rule, Ticks};

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

/// What one row after the other works with.
#[derive(Debug)]
pub(crate) struct Scratch {
    sums: BlockSums,
    rise: Rise,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { sums: BlockSums::new(), rise: Rise::default() }
    }
}

#[derive(Debug)]
struct HistogramMemory {
    /// The cells' mark when they were last read, and what it wrapped by: unchanged,
    /// nothing was recorded.
    mark: u128,
    /// The sum in the base unit, which never falls.
    sum: f64,
    /// A latency's sum, which never falls, and what of it is in closed ticks. In whole
    /// nanoseconds: a difference of two large floats would say little of a short window.
    nanos: u128,
    closed: u128,
    /// As of the last tick: a reading between two ticks adds to the running one only.
    total: Arc<Buckets>,
    /// How many values each line of buckets holds by now.
    held: Vec<u64>,
    /// How many values the linear octave holds by now.
    linear: u64,
    exported: Exported,
    recent: Recent,
    /// Whether a pass took something in since the last tick.
    is_open: bool,
    exemplars: Box<[Exemplar]>,
    /// What was published last.
    shown: Arc<Shown>,
    /// How many of the window's ticks were leaving by then; none when it has changed since.
    as_of: Option<usize>,
}

impl Row {
    pub(crate) fn new(cells: Cells, time: &Timeline) -> Self {
        let histogram = |layout, bounds: &[f64]| {
            let total = Arc::new(Buckets::new(layout));
            Memory::Histogram(Box::new(HistogramMemory {
                mark: 0,
                sum: 0.0,
                nanos: 0,
                closed: 0,
                shown: Arc::new(Shown::nothing(&total)),
                as_of: None,
                total,
                held: Vec::new(),
                linear: 0,
                exported: Exported::new(layout, bounds),
                recent: Recent::new(time.ticks.running(), layout),
                is_open: false,
                exemplars: Box::default(),
            }))
        };
        let memory = match &cells {
            Cells::Counter(_) => Memory::Counter(Recently {
                rise: 0,
                seen: 0,
                at_end: Box::new([0; RATE_TICKS + 1]),
            }),
            Cells::Peak(_) => Memory::Peak(VecDeque::new()),
            Cells::Latency(core) => histogram(Layout::Latency, core.exemplars.bounds()),
            Cells::Distribution(core) => histogram(Layout::Float, core.bounds()),
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
                    let Scratch { sums, rise } = scratch;
                    *value = Value::unknown();
                    memory.raise(rise, |visit| core.visit(reader, sums, visit));
                    memory.follow(mark);
                    memory.raise_nanos();
                    memory.exemplars = core.exemplars.taken().into();
                }
            }
            Cells::Distribution(core) => {
                let mark = core.records();
                if memory.has_moved(mark) {
                    *value = Value::unknown();
                    memory.raise(&mut scratch.rise, |visit| core.visit(visit));
                    memory.follow(mark);
                    memory.add_sum(core.sum());
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
    pub(crate) fn show(
        &mut self,
        reader: &Reader,
        time: &Timeline,
        now: Duration,
        value: &mut Value,
    ) {
        *value = match (&self.cells, &mut self.memory) {
            (Cells::Counter(core), Memory::Counter(recently)) => {
                Value::Counter(recently.count(total(self.slot, core, reader), time))
            }
            (Cells::UpDown(core), _) => Value::Gauge(level(total(self.slot, core, reader)) as f64),
            (Cells::Gauge(core), _) => Value::Gauge(core.value()),
            (Cells::Peak(core), Memory::Peak(peaks)) => {
                let held = peaks.front().map_or(0, |(_, peak)| *peak);
                Value::Gauge(held.max(core.running()) as f64)
            }
            (_, Memory::Histogram(memory)) => return memory.show(time, now, value),
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
        if self.seen == 0 {
            // The series began in this tick, at zero.
            self.at_end[number % slots] = 0;
        }
        let ended = number + 1;
        self.seen = (self.seen + 1).min(RATE_TICKS as u8);
        self.at_end[ended % slots] = total;
        self.rise = total.wrapping_sub(self.at_end[(ended - usize::from(self.seen)) % slots]);
    }

    fn count(&self, total: u64, time: &Timeline) -> Count {
        Count { total, recent: self.rise, span: time.spans[usize::from(self.seen)] }
    }
}

impl HistogramMemory {
    /// Whether something was recorded since the cells' mark was followed.
    fn has_moved(&self, mark: u64) -> bool {
        self.mark as u64 != mark
    }

    /// Moves to the cells' mark as it was before they were read.
    fn follow(&mut self, mark: u64) {
        // A long-lived server's latencies add up to more than 64 bits of nanoseconds.
        self.mark += u128::from(mark.wrapping_sub(self.mark as u64));
    }

    /// Raises the running tick to what `visit` shows.
    fn raise(
        &mut self,
        rise: &mut Rise,
        visit: impl FnOnce(&mut dyn FnMut(usize, &[u64; PER_LINE])),
    ) {
        rise.clear();
        (self.as_of, self.is_open) = (None, true);
        // Or the running tick would be copied to be added to.
        if let Some(shown) = Arc::get_mut(&mut self.shown) {
            shown.let_go();
        }
        let (total, since, held) = (&self.total, self.recent.fresh(), &mut self.held);
        visit(&mut |line, counts| {
            // Counts never fall, so a line whose sum is the same is the same.
            let sum = counts.iter().sum();
            if held.len() <= line {
                held.resize(line + 1, 0);
            }
            if mem::replace(&mut held[line], sum) != sum {
                total.rise_to(line * PER_LINE, counts, since, rise);
            }
        });
        self.linear += rise.below(PER_OCTAVE);
        self.exported.enter(rise);
        self.recent.running().append(rise);
    }

    fn raise_nanos(&mut self) {
        // Each record of the linear octave added one more than its value.
        self.nanos = self.nanos.max(self.mark.saturating_sub(u128::from(self.linear)));
        let seconds = |nanos: u128| nanos as f64 / 1e9;
        self.sum = seconds(self.nanos);
        self.recent.running().set_sum(seconds(self.nanos - self.closed));
    }

    fn show(&mut self, time: &Timeline, now: Duration, value: &mut Value) {
        let leaving = self.recent.leaving(now, time.rule);
        let span = self.recent.span(leaving, &time.ticks, now, time.rule);
        if self.as_of != Some(leaving) {
            self.revise(leaving);
        }
        match value {
            // Most series are idle, and counting up their references would be most of the pass.
            Value::Histogram(histogram) if histogram.shows(&self.shown) => histogram.span = span,
            _ => *value = Value::Histogram(Histogram::new(self.shown.clone(), span)),
        }
    }

    /// Brings what is published up to date: in place, where no sample shows it any more.
    fn revise(&mut self, leaving: usize) {
        self.as_of = Some(leaving);
        if Arc::get_mut(&mut self.shown).is_none() {
            self.shown = Arc::new(Shown::nothing(&self.total));
        }
        let Some(shown) = Arc::get_mut(&mut self.shown) else { return };
        shown.revise(&self.total, self.sum, &self.exported, &self.exemplars);
        self.recent.fill(shown.window_mut(), leaving);
    }

    fn close(&mut self, tick: Ended, rule: Rule) {
        if mem::take(&mut self.is_open) {
            let (rise, total) = (self.recent.fresh(), Arc::make_mut(&mut self.total));
            total.enter(rise);
            total.set_sum(self.sum);
            // A tick without samples keeps what the sum has for them already.
            if rise.samples() > 0 {
                self.closed = self.nanos;
            }
        }
        if self.recent.close(tick.start, tick.end, rule) {
            self.as_of = None;
        }
    }

    fn add_sum(&mut self, sum: f64) {
        let by = (sum - self.sum).max(0.0);
        self.sum = self.sum.max(sum);
        let running = self.recent.running();
        running.set_sum(running.sum() + by);
    }
}
