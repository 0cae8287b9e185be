//! What a sample shows of a series' totals and window.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::NOTHING;
use crate::reading::buckets::{Buckets, Rise};

/// The samples of the window, with the time that they cover.
///
/// Every statistic of a series is over the same window.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Window<'a> {
    parts: &'a Parts,
    /// From the start of the oldest tick in the window to the reading.
    pub span: Duration,
}

impl<'a> Window<'a> {
    pub(crate) fn new(parts: &'a Parts, span: Duration) -> Self {
        Self { parts, span }
    }

    /// How many samples the window has.
    pub fn samples(&self) -> u64 {
        self.parts.samples
    }

    /// The samples, none for a series that was idle for the longest age.
    ///
    /// They are put together here, once, by whoever asks first.
    pub fn buckets(&self) -> &'a Buckets {
        self.parts.buckets()
    }
}

impl PartialEq for Window<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.buckets() == other.buckets()
    }
}

/// What totals and a window are put together from, by whoever asks for them.
///
/// Most ticks ask for neither. So what samples share is some ticks old, with what those
/// ticks brought and took beside it.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(super) base: Arc<Base>,
    /// What ticks since brought, and what they pushed out of the window.
    pub(super) entered: Vec<Arc<Rise>>,
    pub(super) left: Vec<Arc<Rise>>,
    /// What the running tick pushes out.
    pub(super) leaving: Vec<Arc<Rise>>,
    pub(super) running: Option<Arc<Rise>>,
    pub(super) samples: u64,
    pub(super) sum: f64,
    pub(super) total_sum: f64,
    pub(super) window: OnceLock<Buckets>,
    pub(super) total: OnceLock<Buckets>,
}

/// The totals and the window as of the end of one tick.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) total: Buckets,
    pub(super) window: Buckets,
}

impl Parts {
    /// Whether it shows the same base with as many changes, which are the same then.
    pub(super) fn is_of(&self, base: &Arc<Base>, entered: usize, left: usize) -> bool {
        Arc::ptr_eq(&self.base, base) && (self.entered.len(), self.left.len()) == (entered, left)
    }

    /// Lets go of the running tick.
    pub(crate) fn let_go(&mut self) {
        self.running = None;
    }

    /// What the running tick brought.
    fn running(&self) -> &Rise {
        self.running.as_deref().unwrap_or(&NOTHING)
    }

    fn buckets(&self) -> &Buckets {
        let changes = [&self.entered, &self.left, &self.leaving];
        if changes.iter().all(|rises| rises.is_empty()) && self.running().samples() == 0 {
            return &self.base.window;
        }
        self.window.get_or_init(|| {
            let mut window = self.base.window.clone();
            self.entered.iter().for_each(|rise| window.enter(rise));
            window.enter(self.running());
            let left = self.left.iter().chain(&self.leaving);
            left.for_each(|rise| window.leave(rise));
            window.set_sum(self.sum);
            window
        })
    }

    /// Everything since the series began.
    pub(crate) fn total(&self) -> &Buckets {
        let is_at_hand = self.entered.is_empty() && self.running().samples() == 0;
        if is_at_hand && self.base.total.sum() == self.total_sum {
            return &self.base.total;
        }
        self.total.get_or_init(|| {
            let mut total = self.base.total.clone();
            self.entered.iter().for_each(|rise| total.enter(rise));
            total.enter(self.running());
            total.set_sum(self.total_sum);
            total
        })
    }

    /// The exact sum of all values since the series began.
    pub(crate) fn total_sum(&self) -> f64 {
        self.total_sum
    }
}
