//! What a pass remembers of a latency or a distribution.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{Ended, Present};
use crate::reading::buckets::{Buckets, Rise};
use crate::reading::exported::Exported;
use crate::reading::snapshot::{Histogram, Shown, Value};
use crate::reading::window::{Recent, Rule, Span};
use crate::recording::distribution::DistributionCore;
use crate::recording::exemplar::Exemplar;
use crate::recording::lanes::Reader;
use crate::recording::latency::{BlockSums, LatencyCore};
use crate::recording::layout::{Layout, PER_LINE, PER_OCTAVE};
use crate::recording::remembered::LatencyTotals;

/// What one series after the other works with.
#[derive(Debug)]
pub(crate) struct Scratch {
    sums: BlockSums,
    rise: Rise,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { sums: BlockSums::new(), rise: Rise::new() }
    }
}

#[derive(Debug)]
pub(super) struct HistogramMemory {
    still: Still,
    /// What the buckets held when they were last read.
    known: Buckets,
    /// How many values each line of buckets held, which nearly always says that none came.
    held: Vec<u64>,
    /// The sum in the base unit, which never falls.
    sum: f64,
    /// What a latency's sum was before its cells were, see [`Self::resume`].
    resumed_nanos: u128,
    /// A latency's sum, which never falls, and what of it is in closed ticks. In whole
    /// nanoseconds: a difference of two large floats would say little of a short window.
    nanos: u128,
    closed: u128,
    /// How many values the linear octave holds by now.
    linear: u64,
    exported: Exported,
    recent: Recent,
    exemplars: Box<[Exemplar]>,
}

/// All that a pass needs of a series that nobody records into: one cache line, since most
/// series are such.
#[derive(Debug)]
#[repr(align(64))]
struct Still {
    /// The cells' mark when they were last read, and what it wrapped by: unchanged,
    /// nothing was recorded.
    mark: u128,
    /// Of the window as it was shown last.
    span: Span,
    /// What was published last.
    shown: Arc<Shown>,
    /// Whether a pass took something in since the last tick.
    is_open: bool,
    /// Whether `shown` and `span` are behind.
    is_stale: bool,
}

impl HistogramMemory {
    pub(super) fn new(layout: Layout, bounds: &[f64], birth: Duration) -> Self {
        let recent = Recent::new(birth, layout);
        let span = Span { start: birth, until: Duration::MAX };
        let shown = Arc::new(Shown::nothing(recent.nothing()));
        Self {
            still: Still { mark: 0, span, shown, is_open: false, is_stale: true },
            known: Buckets::new(layout),
            held: Vec::new(),
            sum: 0.0,
            resumed_nanos: 0,
            nanos: 0,
            closed: 0,
            linear: 0,
            exported: Exported::new(layout, bounds),
            recent,
            exemplars: Box::default(),
        }
    }

    /// Goes on from the totals of a series that expired, which are in no window.
    pub(super) fn resume(&mut self, totals: &LatencyTotals) {
        let mut rise = Rise::new();
        totals.counts.iter().for_each(|(bucket, n)| rise.push(*bucket, *n));
        self.known.enter(&rise);
        self.exported.enter(&rise);
        self.sum = totals.sum;
        self.known.set_sum(self.sum);
        self.resumed_nanos = (totals.sum * 1e9).round() as u128;
        (self.nanos, self.closed) = (self.resumed_nanos, self.resumed_nanos);
        self.recent.rebase(&self.known);
    }

    /// Whether something was recorded since the cells' mark was followed.
    pub(super) fn has_moved(&self, mark: u64) -> bool {
        self.still.mark as u64 != mark
    }

    /// Has nobody hold the running tick, or it would be copied to be added to.
    pub(super) fn let_go(&mut self, value: &mut Value) {
        if let Value::Histogram(histogram) = value
            && histogram.shows(&self.still.shown)
        {
            *value = Value::unknown();
        }
        if let Some(shown) = Arc::get_mut(&mut self.still.shown) {
            shown.parts.let_go();
        }
    }

    pub(super) fn take_latency(
        &mut self,
        core: &LatencyCore,
        mark: u64,
        reader: &Reader,
        scratch: &mut Scratch,
    ) {
        let Scratch { sums, rise } = scratch;
        self.raise(rise, |visit| core.visit(reader, sums, visit));
        self.follow(mark);
        self.raise_nanos();
        self.exemplars = core.exemplars.taken().into();
    }

    pub(super) fn take_distribution(
        &mut self,
        core: &DistributionCore,
        mark: u64,
        scratch: &mut Scratch,
    ) {
        self.raise(&mut scratch.rise, |visit| core.visit(visit));
        self.follow(mark);
        self.add_sum(core.sum());
    }

    /// Moves to the cells' mark as it was before they were read.
    fn follow(&mut self, mark: u64) {
        // A long-lived server's latencies add up to more than 64 bits of nanoseconds.
        self.still.mark += u128::from(mark.wrapping_sub(self.still.mark as u64));
    }

    /// Raises the running tick to what `visit` shows.
    fn raise(
        &mut self,
        rise: &mut Rise,
        visit: impl FnOnce(&mut dyn FnMut(usize, &[u64; PER_LINE])),
    ) {
        rise.clear();
        (self.still.is_open, self.still.is_stale) = (true, true);
        let Self { known, held, .. } = self;
        visit(&mut |line, counts| {
            // Counts never fall, so a line whose sum is the same is the same.
            let sum = counts.iter().sum();
            if held.len() <= line {
                held.resize(line + 1, 0);
            }
            if mem::replace(&mut held[line], sum) != sum {
                known.raise(line * PER_LINE, counts, rise);
            }
        });
        self.linear += rise.below(PER_OCTAVE);
        self.exported.enter(rise);
        self.recent.running().append(rise);
    }

    fn raise_nanos(&mut self) {
        // Each record of the linear octave added one more than its value.
        let recorded = self.still.mark.saturating_sub(u128::from(self.linear));
        self.nanos = self.nanos.max(self.resumed_nanos + recorded);
        let seconds = |nanos: u128| nanos as f64 / 1e9;
        self.sum = self.sum.max(seconds(self.nanos));
        self.recent.running().set_sum(seconds(self.nanos - self.closed));
    }

    fn add_sum(&mut self, sum: f64) {
        let by = (sum - self.sum).max(0.0);
        self.sum = self.sum.max(sum);
        let running = self.recent.running();
        running.set_sum(running.sum() + by);
    }

    pub(super) fn close(&mut self, tick: Ended, rule: Rule) {
        let is_open = mem::take(&mut self.still.is_open);
        if !is_open && tick.end <= self.still.span.until {
            return;
        }
        // A tick without samples keeps what the sum has for them already.
        if self.recent.fresh().samples() > 0 {
            self.closed = self.nanos;
        }
        self.known.set_sum(self.sum);
        self.still.is_stale |= self.recent.close(tick.start, tick.end, rule, &self.known);
    }

    pub(super) fn show(&mut self, present: Present<'_>, value: &mut Value) {
        if self.still.is_stale || present.now > self.still.span.until {
            self.revise(present, mem::replace(value, Value::unknown()));
        }
        let Still { shown, span: Span { start, .. }, .. } = &self.still;
        let span = present.now.saturating_sub(present.reach.max(*start));
        match value {
            // Most series are idle, and counting up their references would be most of the pass.
            Value::Histogram(histogram) if histogram.shows(shown) => histogram.span = span,
            _ => *value = Value::Histogram(Histogram::new(shown.clone(), span)),
        }
    }

    /// Brings what is published up to date: in the place of an older one, if no sample shows it.
    fn revise(&mut self, present: Present<'_>, older: Value) {
        let shown = &mut self.still.shown;
        if let Value::Histogram(older) = older {
            let mut older = older.into_shown();
            if Arc::get_mut(&mut older).is_some() {
                *shown = older;
            }
        }
        if Arc::get_mut(shown).is_none() {
            *shown = Arc::new(Shown::nothing(self.recent.nothing()));
        }
        let Some(shown) = Arc::get_mut(shown) else { return };
        let Present { time, now, .. } = present;
        self.still.span =
            self.recent.fill(&mut shown.parts, now, time.ticks.running(), time.rule, self.sum);
        shown.count = self.known.count();
        self.exported.cumulative(&mut shown.cumulative);
        if *shown.exemplars != *self.exemplars {
            shown.exemplars = self.exemplars.clone();
        }
        self.still.is_stale = false;
    }
}
