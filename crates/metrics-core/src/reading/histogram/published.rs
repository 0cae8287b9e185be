//! The data that samples share of one series: its totals and its window, added up on demand.

use std::sync::{Arc, OnceLock};

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::recording::exemplar::Exemplar;

/// The data that samples show of one series, until the series changes again.
///
/// Most samples are asked for neither the buckets of the totals nor those of the window.
/// So a tick copies neither of them: there is a base that is some ticks old, with the
/// deltas since then beside it, all shared. The first reader that asks adds them up, once:
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
    pub(crate) leaving: Vec<Arc<Delta>>,
    pub(crate) running: Option<Arc<Delta>>,
    /// The last closed tick with records, by its number.
    pub(crate) last_closed: Option<(u64, Arc<Delta>)>,
    /// The count and the sum of all values since the series began.
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// The count and the sum of the window.
    pub(crate) window_count: u64,
    pub(crate) window_sum: f64,
    /// The cumulative counts at the exported bounds.
    pub(crate) cumulative: Vec<u64>,
    pub(crate) exemplars: Box<[Exemplar]>,
    /// The sums above, once a reader has asked.
    total: OnceLock<Buckets>,
    window: OnceLock<Buckets>,
}

/// The totals and the window at the end of one tick.
#[derive(Debug)]
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
            total: OnceLock::new(),
            window: OnceLock::new(),
        }
    }

    /// Takes over a base with the ticks since then, and drops the sums of older ones.
    pub(crate) fn share_base(
        &mut self,
        base: &Arc<Base>,
        entered: &[Arc<Delta>],
        left: &[Arc<Delta>],
    ) {
        // The lists of one base only grow, so equal lengths are equal lists. Then there is
        // nothing to clone: counting up references would be a good part of a pass.
        let lengths = (self.entered.len(), self.left.len());
        if !Arc::ptr_eq(&self.base, base) || lengths != (entered.len(), left.len()) {
            self.base.clone_from(base);
            self.entered.clear();
            self.entered.extend_from_slice(entered);
            self.left.clear();
            self.left.extend_from_slice(left);
        }
        (self.total, self.window) = (OnceLock::new(), OnceLock::new());
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

    /// The values in the window.
    pub(super) fn window(&self) -> &Buckets {
        let changes = [&self.entered, &self.left, &self.leaving];
        if changes.iter().all(|deltas| deltas.is_empty()) && !self.is_running() {
            return &self.base.window;
        }
        self.window.get_or_init(|| {
            let mut window = self.base.window.clone();
            // In this order: a tick that came and left since must be in before it is taken out.
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
