//! The timeline of a tier: for each interval, how much of it was observed.
//!
//! A rate is divided by the time that was observed, not by the length of the interval, so a gap
//! makes no rate too low. All series share these times.

use std::collections::VecDeque;
use std::time::Duration;

/// The observed part of an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed {
    pub(crate) interval: u64,
    /// The number of ticks.
    pub(crate) ticks: u32,
    /// The time that these ticks took.
    pub(crate) span: Duration,
}

/// The observed intervals of one tier, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    observed: VecDeque<Observed>,
}

impl Timeline {
    /// Adds a tick.
    pub(crate) fn add(&mut self, interval: u64, span: Duration) {
        match self.observed.back_mut() {
            Some(last) if last.interval == interval => {
                last.ticks += 1;
                last.span += span;
            }
            _ => self.observed.push_back(Observed { interval, ticks: 1, span }),
        }
    }

    /// Drops intervals before `first_kept`.
    pub(crate) fn expire(&mut self, first_kept: u64) {
        while self.observed.pop_front_if(|observed| observed.interval < first_kept).is_some() {}
    }

    /// Returns a copy of the intervals in a range.
    pub(crate) fn range(&self, (first, last): (u64, u64)) -> Vec<Observed> {
        let from = self.observed.partition_point(|observed| observed.interval < first);
        let to = self.observed.partition_point(|observed| observed.interval <= last);
        self.observed.range(from..to).copied().collect()
    }

    /// The bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.observed.capacity() * size_of::<Observed>()
    }
}
