//! The state of a latency or a distribution between passes.
//!
//! Each series has a *mark*, a number that changes with every record: for a latency its sum,
//! for a distribution its number of records. A pass reads the cells only if the mark changed.
//! It reads them in lines of 32 buckets, and compares the buckets of a line only if the line's
//! count changed. The differences are added to the running tick. At the end of a tick,
//! [`SeriesTicks`] adds the tick to the totals and to the window.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::reading::exported_counts::ExportedCounts;
use crate::reading::histogram::{Histogram, Published};
use crate::reading::known_counts::KnownCounts;
use crate::reading::rows::slowest::Slowest;
use crate::reading::snapshot::Value;
use crate::reading::timeline::PassTime;
use crate::reading::window::{Closing, SeriesTicks, WindowSpan};
use crate::recording::cells::ThinBlock;
use crate::recording::distribution::DistributionCore;
use crate::recording::exemplar::Exemplar;
use crate::recording::lanes::Reader;
use crate::recording::latency::{BlockSums, LatencyCore, LineCounts};
use crate::recording::layout::{Layout, PER_OCTAVE};
use crate::recording::line::fetch;
use crate::recording::memory::Held;
use crate::recording::remembered::LatencyTotals;

/// Buffers that all series of a pass reuse.
#[derive(Debug)]
pub(crate) struct Scratch {
    sums: BlockSums,
    delta: Delta,
    pub(crate) window: Buckets,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let (delta, window) = (Delta::new(Layout::Latency), Buckets::latency());
        Self { sums: BlockSums::new(), delta, window }
    }
}

#[derive(Debug)]
pub(super) struct HistogramMemory {
    idle: IdleCheck,
    layout: Layout,
    /// The counts of the cells when they were last read; empty while the series is parked.
    known: KnownCounts,
    /// `true` while the counts are those of the base of `ticks`: after the window has become empty,
    /// and from tick to tick beyond the budget.
    is_parked: bool,
    /// The bytes of this and of its lists.
    held: Held,
    /// The count of the expired series that a latency continues, see [`Self::resume`].
    resumed_count: u64,
    /// The sum in the base unit, which never falls.
    sum: f64,
    /// The sum of the expired series that a latency continues, see [`Self::resume`].
    resumed_nanos: u128,
    /// A latency's sum, which never falls, and the part of it that is in closed ticks. Both are
    /// whole nanoseconds: after a year of busy service, the difference of two floats would be too
    /// inexact for a short tick.
    nanos: u128,
    closed_nanos: u128,
    /// The number of values in the linear octave so far.
    linear: u64,
    exported: ExportedCounts,
    ticks: SeriesTicks,
    /// The value that was published before the last one, whose memory the next one takes.
    ///
    /// Samples are mostly short-lived, so two allocations in turn suffice for most series.
    previous: Arc<Published>,
    exemplars: Box<[Exemplar]>,
    /// Allocated with the first exemplar.
    slowest: Option<Box<Slowest>>,
}

/// The state that a pass reads of an idle series, in one cache line, since most series are idle.
#[derive(Debug)]
#[repr(align(64))]
struct IdleCheck {
    /// The cells' mark when they were last read. The low 64 bits are the mark itself, the high
    /// ones the number of times that it wrapped.
    mark: u128,
    /// The time that the published window covers.
    span: WindowSpan,
    /// The value that was published last.
    published: Arc<Published>,
    /// `true` if a pass has read new records since the last tick ended.
    is_open: bool,
    /// `true` if `published` and `span` lack records that were read.
    is_stale: bool,
}

impl HistogramMemory {
    pub(super) fn new(layout: Layout, bounds: &[f64], birth: Duration) -> Self {
        let ticks = SeriesTicks::new(birth, layout);
        let span = WindowSpan { start: birth, valid_until: Duration::MAX };
        let published = Arc::new(ticks.unfilled());
        Self {
            previous: published.clone(),
            idle: IdleCheck { mark: 0, span, published, is_open: false, is_stale: true },
            layout,
            known: KnownCounts::default(),
            is_parked: false,
            held: Held::NONE,
            resumed_count: 0,
            sum: 0.0,
            resumed_nanos: 0,
            nanos: 0,
            closed_nanos: 0,
            linear: 0,
            exported: ExportedCounts::new(layout, bounds),
            ticks,
            exemplars: Box::default(),
            slowest: None,
        }
    }

    /// Starts from the totals of a series that expired, which are in no window.
    pub(super) fn resume(&mut self, totals: &LatencyTotals) {
        let delta = Delta::from_counts(self.layout, totals.counts.iter().copied(), totals.sum);
        self.exported.add(&delta);
        (self.resumed_count, self.sum) = (delta.count(), totals.sum);
        self.ticks.resume(delta);
        self.idle.published = Arc::new(self.ticks.unfilled());
        self.previous = self.idle.published.clone();
        self.resumed_nanos = (totals.sum * 1e9).round() as u128;
        (self.nanos, self.closed_nanos) = (self.resumed_nanos, self.resumed_nanos);
    }

    /// Returns `true` if something was recorded since the cells were last read.
    pub(super) fn has_moved(&self, mark: u64) -> bool {
        self.idle.mark as u64 != mark
    }

    /// Fetches this memory itself, for [`Self::fetch_known`].
    pub(super) fn fetch(&self) {
        fetch(self);
    }

    /// Fetches what this memory points to, as far as new records change it.
    pub(super) fn fetch_known(&self) {
        self.known.fetch();
        self.exported.fetch();
        fetch(&*self.idle.published);
        fetch(&*self.previous);
        self.ticks.fetch();
    }

    /// Fetches what the memory of [`Self::fetch_known`] points to.
    pub(super) fn fetch_further(&self) {
        self.ticks.fetch_running();
        self.idle.published.fetch();
        self.previous.fetch();
    }

    /// Drops the cached sample first, so that the running tick's delta is uniquely owned
    /// and is added to in place instead of cloned.
    pub(super) fn release_running(&mut self, value: &mut Value) {
        if let Value::Histogram(histogram) = value
            && histogram.shows(&self.idle.published)
        {
            *value = Value::unknown();
        }
        // If a reader still holds the sample, it keeps the delta, and the next add clones it.
        if let Some(published) = Arc::get_mut(&mut self.idle.published) {
            published.running = None;
        }
    }

    /// Reads the cells of a latency; `mark` was read before them.
    pub(super) fn collect_latency(
        &mut self,
        core: &LatencyCore,
        mark: u64,
        reader: &Reader,
        scratch: &mut Scratch,
    ) {
        let Scratch { sums, delta, .. } = scratch;
        self.raise(delta, core.thin(), |visit| core.visit(reader, sums, visit));
        self.advance_mark(mark);
        self.raise_nanos();
        self.exemplars = core.exemplars.taken().into();
        if let Some(exemplar) = core.exemplars.take_slowest() {
            self.slowest.get_or_insert_default().raise(exemplar);
        }
    }

    /// Reads the cells of a distribution; `mark` was read before them.
    pub(super) fn collect_distribution(
        &mut self,
        core: &DistributionCore,
        mark: u64,
        scratch: &mut Scratch,
    ) {
        self.raise(&mut scratch.delta, None, |visit| core.visit(visit));
        self.advance_mark(mark);
        self.add_sum(core.sum());
    }

    /// Stores the mark that was read before the cells.
    ///
    /// A mark that is read after the cells would be wrong: it may include a record that is not in
    /// the buckets that were read, and the next pass would not look for that record.
    fn advance_mark(&mut self, mark: u64) {
        // The latencies of a long-lived server add up to more than 64 bits of nanoseconds, so
        // the mark wraps. The wrapping difference is right as long as two passes are less than
        // 2⁶⁴ ns of latency apart: from a mark of 2⁶⁴ − 5 to one of 3 it is 8.
        self.idle.mark += u128::from(mark.wrapping_sub(self.idle.mark as u64));
    }

    /// Adds what is new in the counts that `visit` passes, line by line, and in thin buckets.
    fn raise(
        &mut self,
        delta: &mut Delta,
        thin: Option<&ThinBlock>,
        visit: impl FnOnce(&mut dyn FnMut(usize, LineCounts<'_>)),
    ) {
        delta.reset(self.layout);
        if mem::take(&mut self.is_parked) {
            self.known = self.ticks.base_total().clone();
        }
        (self.idle.is_open, self.idle.is_stale) = (true, true);
        let mut raise = self.known.raise(delta);
        visit(&mut |line, counts| raise.line(line, counts));
        if let Some(thin) = thin {
            self.known.raise_thin(thin, delta);
        }
        self.linear += delta.count_below(PER_OCTAVE as u16);
        self.exported.add(delta);
        self.ticks.running_mut().merge(delta);
    }

    /// Computes a latency's sum from the mark.
    fn raise_nanos(&mut self) {
        // Each record of the linear octave added one more than its value: three records of
        // 0 ns and one of 2000 ns have a mark of 2003. The bucket of a record may have been
        // read and its part of the mark not yet, so the difference may be too low by then.
        let nanos = self.idle.mark.saturating_sub(u128::from(self.linear));
        self.nanos = self.nanos.max(self.resumed_nanos + nanos);
        let seconds = |nanos: u128| nanos as f64 / 1e9;
        self.sum = self.sum.max(seconds(self.nanos));
        self.ticks.running_mut().set_sum(seconds(self.nanos - self.closed_nanos));
    }

    /// Raises a distribution's sum to `sum`.
    fn add_sum(&mut self, sum: f64) {
        let by = (sum - self.sum).max(0.0);
        self.sum = self.sum.max(sum);
        let running = self.ticks.running_mut();
        running.set_sum(running.sum() + by);
    }

    /// Ends a tick.
    pub(super) fn close(&mut self, closing: &mut Closing<'_>) {
        let is_open = mem::take(&mut self.idle.is_open);
        let tick = closing.tick;
        // An idle series needs no work until its oldest tick is too old for the window.
        let thins = closing.thins && self.ticks.can_thin();
        if !is_open && tick.end <= self.idle.span.valid_until && !thins {
            return;
        }
        self.closed_nanos = self.nanos;
        if let Some(slowest) = &mut self.slowest {
            slowest.close(tick.start);
        }
        let known = (!self.is_parked).then_some(&self.known);
        self.idle.is_stale |= self.ticks.close(known, closing);
        if !is_open && self.ticks.is_empty() {
            self.park();
        } else if closing.thins {
            // The base has them too, and has just been made.
            (self.known, self.is_parked) = (KnownCounts::default(), true);
        }
    }

    /// Gives back all memory but that of the totals, since the window has become empty.
    fn park(&mut self) {
        let is_parked = mem::replace(&mut self.is_parked, true);
        let known = mem::take(&mut self.known);
        self.ticks.park((!is_parked).then_some(known));
        self.idle.published = Arc::new(self.ticks.unfilled());
        self.idle.is_stale = true;
    }

    /// Returns `true` if the published window has thin buckets.
    pub(super) fn is_thinned(&self) -> bool {
        self.idle.published.is_thinned
    }

    /// Replaces the series' value in an older sample by the present one.
    pub(super) fn publish(&mut self, at: PassTime<'_>, value: &mut Value) {
        if self.idle.is_stale || at.now > self.idle.span.valid_until {
            // The value of the older sample may be the last that holds `previous`.
            *value = Value::unknown();
            self.refill(at);
        }
        let IdleCheck { published, span: WindowSpan { start, .. }, .. } = &self.idle;
        let span = at.now.saturating_sub(at.reach.max(*start));
        match value {
            // Most series are idle, and updating the reference counts of each would take most
            // of a pass. So a value that is still right is kept, and only its tick is updated.
            Value::Histogram(histogram) if histogram.shows(published) => {
                histogram.move_to(at.time.ended, span);
            }
            _ => {
                let histogram = Histogram::new(published.clone(), at.time.ended, span);
                *value = Value::Histogram(histogram);
            }
        }
    }

    /// Brings `published` up to date, in an allocation that no sample holds any more.
    fn refill(&mut self, at: PassTime<'_>) {
        let published = &mut self.idle.published;
        if Arc::get_mut(published).is_none() {
            mem::swap(published, &mut self.previous);
        }
        if Arc::get_mut(published).is_none() {
            *published = Arc::new(self.ticks.unfilled());
        }
        // The lines before made this the only reference.
        let Some(published) = Arc::get_mut(published) else { return };
        self.idle.span = self.ticks.fill(published, at);
        let known = if self.is_parked { self.ticks.base_total() } else { &self.known };
        published.count = self.resumed_count + known.count();
        published.is_thinned |= known.has_thin();
        published.sum = self.sum;
        self.exported.cumulative(&mut published.cumulative);
        if *published.exemplars != *self.exemplars {
            published.exemplars = self.exemplars.clone();
        }
        if let Some(slowest) = &mut self.slowest {
            published.slowest = slowest.since(self.ticks.oldest_shown(at)).map(Box::new);
        }
        published.count_bytes();
        self.idle.is_stale = false;
        if self.is_parked {
            self.previous = self.idle.published.clone();
        }
        self.count_bytes();
    }

    fn count_bytes(&mut self) {
        let lists = self.known.bytes() + self.exported.bytes() + self.ticks.bytes();
        self.held.set(size_of::<Self>() + lists + size_of_val(&*self.exemplars));
    }
}
