//! The totals and the window of one series as samples share them, added up on demand.

use std::sync::{Arc, OnceLock};

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::reading::known_counts::KnownCounts;
use crate::recording::exemplar::Exemplar;
use crate::recording::layout::{Layout, PER_LINE};
use crate::recording::line::fetch;
use crate::recording::memory::{Counted, Held, of_arc, of_list};

/// The data that samples show of one series, until the series changes again.
///
/// Most samples are never asked for the buckets of the totals or of the window, so a tick
/// copies neither. Samples share a base, which is some ticks old, and the deltas since then.
/// The first reader that asks for buckets adds them up, and the result is kept:
///
/// - totals: `resumed` + `base.total` + `entered` + `running`
/// - window: `base.window` + `entered` + `running` − `left` − `leaving`
#[derive(Debug)]
pub(crate) struct Published {
    layout: Layout,
    /// The totals of an expired series that this one continues.
    resumed: Option<Arc<Delta>>,
    base: Arc<Base>,
    /// The ticks that were closed since the base was made.
    entered: Vec<Arc<Delta>>,
    /// The ticks that have left the window since then.
    left: Vec<Arc<Delta>>,
    /// The ticks that leave the window if the running one ends now.
    leaving: Vec<Arc<Delta>>,
    pub(crate) running: Option<Arc<Delta>>,
    /// The number and the delta of the last closed tick that has records.
    last_closed: Option<(u64, Arc<Delta>)>,
    /// The count and the sum of all values since the series began.
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// The count and the sum of the window.
    pub(crate) window_count: u64,
    pub(crate) window_sum: f64,
    /// `true` if the window has ticks with thin buckets.
    pub(crate) is_thinned: bool,
    /// The cumulative counts at the exported bounds.
    pub(crate) cumulative: Vec<u64>,
    pub(crate) exemplars: Box<[Exemplar]>,
    /// The traced value of the window that is the largest.
    pub(crate) slowest: Option<Box<Exemplar>>,
    /// The results of the sums above, once a reader has asked for them.
    total: OnceLock<Counted<Buckets>>,
    window: OnceLock<Counted<Buckets>>,
    held: Held,
}

/// The totals and the window at the end of one tick.
#[derive(Debug)]
pub(crate) struct Base {
    /// The counts of the cells, which take a third of the memory that buckets do.
    pub(crate) total: Arc<Counted<KnownCounts>>,
    pub(crate) window: Arc<Delta>,
    _held: Held,
}

impl Base {
    pub(crate) fn new(total: Arc<Counted<KnownCounts>>, window: Arc<Delta>) -> Self {
        Self { total, window, _held: Held::new(of_arc::<Self>()) }
    }
}

impl Published {
    /// Creates the data of a series without a value.
    pub(crate) fn new(base: Arc<Base>, resumed: Option<Arc<Delta>>) -> Self {
        Self {
            layout: base.window.layout(),
            resumed,
            base,
            entered: Vec::new(),
            left: Vec::new(),
            leaving: Vec::new(),
            running: None,
            last_closed: None,
            count: 0,
            sum: 0.0,
            window_count: 0,
            window_sum: 0.0,
            is_thinned: false,
            cumulative: Vec::new(),
            exemplars: Box::default(),
            slowest: None,
            total: OnceLock::new(),
            window: OnceLock::new(),
            held: Held::NONE,
        }
    }

    /// Counts the bytes of this and of its lists.
    pub(crate) fn count_bytes(&mut self) {
        let lists = [&self.entered, &self.left, &self.leaving].map(of_list).iter().sum::<usize>();
        let exemplars = size_of_val(&*self.exemplars);
        self.held.set(of_arc::<Self>() + lists + of_list(&self.cumulative) + exemplars);
    }

    /// Fetches what is written anew with each change.
    pub(crate) fn fetch(&self) {
        fetch(&*self.cumulative);
    }

    /// Shares a base and the ticks since then, and drops results that are out of date.
    pub(crate) fn share_base(
        &mut self,
        base: &Arc<Base>,
        entered: &[Arc<Delta>],
        left: &[Arc<Delta>],
    ) {
        if !Arc::ptr_eq(&self.base, base) {
            self.base.clone_from(base);
            self.entered.clear();
            self.left.clear();
        }
        // The lists of one base only grow, so only what is new is cloned: the reference counts
        // of all deltas are in as many cache lines.
        self.entered.extend_from_slice(&entered[self.entered.len()..]);
        self.left.extend_from_slice(&left[self.left.len()..]);
        (self.total, self.window) = (OnceLock::new(), OnceLock::new());
    }

    /// Shares the ticks that leave the window if the running one ends now.
    pub(crate) fn share_leaving(&mut self, leaving: impl Iterator<Item = Arc<Delta>>) {
        self.leaving.clear();
        self.leaving.extend(leaving);
    }

    /// Shares the delta of the running tick and that of the last closed one that has records.
    pub(crate) fn share_ticks(
        &mut self,
        running: &Option<Arc<Delta>>,
        last_closed: &Option<(u64, Arc<Delta>)>,
    ) {
        self.running.clone_from(running);
        let number = |closed: &Option<(u64, _)>| closed.as_ref().map(|(number, _)| *number);
        if number(&self.last_closed) != number(last_closed) {
            self.last_closed.clone_from(last_closed);
        }
    }

    /// The values that the tick with this number recorded.
    pub(super) fn delta(&self, tick: u64) -> &Delta {
        match &self.last_closed {
            Some((number, delta)) if *number == tick => delta,
            _ => Delta::empty(self.layout),
        }
    }

    /// All values since the series began.
    pub(super) fn total(&self) -> &Buckets {
        self.total.get_or_init(|| {
            let (lines, deltas) = self.total_parts();
            let mut total = Buckets::new(self.layout);
            lines.for_each(|(first, counts)| total.add_run(first, &counts));
            deltas.for_each(|delta| total.add_delta(delta));
            total.set_sum(self.sum);
            counted(total)
        })
    }

    /// All values since the series began: the counts of lines, and what is to be added.
    pub(super) fn total_parts(
        &self,
    ) -> (impl Iterator<Item = (u16, [u64; PER_LINE])>, impl Iterator<Item = &Delta>) {
        let deltas = self.resumed.iter().chain(&self.entered).chain(&self.running);
        (self.base.total.lines(), deltas.map(|delta| &**delta))
    }

    /// The values in the window.
    pub(super) fn window(&self) -> &Buckets {
        if self.window_count == 0 && self.window_sum == 0.0 {
            return Buckets::empty(self.layout);
        }
        self.window.get_or_init(|| {
            let mut window = Buckets::from(&*self.base.window);
            // Additions first: a tick that entered and left since the base can only be subtracted
            // after it was added.
            self.entered.iter().chain(&self.running).for_each(|delta| window.add_delta(delta));
            self.left.iter().chain(&self.leaving).for_each(|delta| window.subtract_delta(delta));
            window.set_sum(self.window_sum);
            counted(window)
        })
    }
}

/// Counts the bytes of buckets.
fn counted(buckets: Buckets) -> Counted<Buckets> {
    let bytes = buckets.bytes();
    Counted::new(buckets, bytes)
}
