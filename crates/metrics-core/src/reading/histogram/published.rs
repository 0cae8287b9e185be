//! The totals and the window of one series as samples share them, added up on demand.

use std::sync::{Arc, OnceLock};

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::recording::exemplar::Exemplar;
use crate::recording::line::fetch;

/// The data that samples show of one series, until the series changes again.
///
/// Most samples are never asked for the buckets of the totals or of the window, so a tick
/// copies neither. Samples share a base, which is some ticks old, and the deltas since then.
/// The first reader that asks for buckets adds them up, and the result is kept:
///
/// - totals: `base.total` + `entered` + `running`
/// - window: `base.window` + `entered` + `running` − `left` − `leaving`
#[derive(Debug)]
pub(crate) struct Published {
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
    /// The cumulative counts at the exported bounds.
    pub(crate) cumulative: Vec<u64>,
    pub(crate) exemplars: Box<[Exemplar]>,
    /// The traced value of the window that is the largest.
    pub(crate) slowest: Option<Box<Exemplar>>,
    /// The results of the sums above, once a reader has asked for them.
    total: OnceLock<Buckets>,
    window: OnceLock<Buckets>,
}

/// The totals and the window at the end of one tick.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) total: Buckets,
    pub(crate) window: Buckets,
}

impl Published {
    /// Creates the data of a series without a value.
    pub(crate) fn new(base: Arc<Base>) -> Self {
        Self {
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
            cumulative: Vec::new(),
            exemplars: Box::default(),
            slowest: None,
            total: OnceLock::new(),
            window: OnceLock::new(),
        }
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
            _ => Delta::empty(self.base.total.layout()),
        }
    }

    /// All values since the series began.
    pub(super) fn total(&self) -> &Buckets {
        if self.entered.is_empty() && !self.is_running() {
            return &self.base.total;
        }
        self.total.get_or_init(|| {
            let mut total = self.base.total.clone();
            self.entered.iter().chain(&self.running).for_each(|delta| total.add_delta(delta));
            total.set_sum(self.sum);
            total
        })
    }

    /// All values since the series began, as far as they are added up, and what is to be added.
    pub(super) fn total_parts(&self) -> (&Buckets, impl Iterator<Item = &Delta>) {
        let (total, deltas) = match self.total.get() {
            Some(total) => (total, None),
            None => (&self.base.total, Some(self.entered.iter().chain(&self.running))),
        };
        (total, deltas.into_iter().flatten().map(|delta| &**delta))
    }

    /// The values in the window.
    pub(super) fn window(&self) -> &Buckets {
        let changes = [&self.entered, &self.left, &self.leaving];
        if changes.iter().all(|deltas| deltas.is_empty()) && !self.is_running() {
            return &self.base.window;
        }
        self.window.get_or_init(|| {
            let mut window = self.base.window.clone();
            // Additions first: a tick that entered and left since the base can only be subtracted
            // after it was added.
            self.entered.iter().chain(&self.running).for_each(|delta| window.add_delta(delta));
            self.left.iter().chain(&self.leaving).for_each(|delta| window.subtract_delta(delta));
            window.set_sum(self.window_sum);
            window
        })
    }

    fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|delta| !delta.is_empty())
    }
}
