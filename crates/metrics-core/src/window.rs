//! Windows over cumulative totals: the last thousand samples, in whole ticks.
//!
//! Nothing is rotated or cleared where values are recorded. A pass takes the
//! difference to the totals it saw before; the differences of the last ticks
//! are the window. It holds the most recent whole ticks, and the running one,
//! that together have at least [`Rule::samples`] samples, and never reaches
//! back further than [`Rule::max_age`]. So a busy series is right over its last
//! second, a quiet one over its last thousand samples, and an idle one becomes
//! empty.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::{Buckets, Layout};

/// The samples of the window, with the time that they cover.
///
/// Every statistic of a series is over the same window.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Window {
    /// The samples, empty for a series that was idle for the longest age.
    pub buckets: Arc<Buckets>,
    /// From the start of the oldest tick in the window to the reading.
    pub span: Duration,
}

impl Window {
    /// How many samples the window has.
    pub fn samples(&self) -> u64 {
        self.buckets.count()
    }
}

/// How much a window holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) samples: u64,
    pub(crate) max_age: Duration,
}

/// The starts of the ticks that a window may reach back to, with the running one's last.
#[derive(Debug)]
pub(crate) struct Ticks {
    starts: VecDeque<Duration>,
}

impl Ticks {
    pub(crate) fn starting(at: Duration) -> Self {
        Self { starts: VecDeque::from([at]) }
    }

    /// The start of the running tick.
    pub(crate) fn running(&self) -> Duration {
        self.starts.back().copied().unwrap_or_default()
    }

    /// Ends the running tick at `now`.
    pub(crate) fn advance(&mut self, now: Duration, max_age: Duration) {
        self.starts.push_back(now);
        while self.starts.len() > 1 && is_too_old(self.starts[0], now, max_age) {
            self.starts.pop_front();
        }
    }

    /// The oldest start that is not before `birth` and no older than `max_age`.
    fn oldest(&self, birth: Duration, now: Duration, max_age: Duration) -> Duration {
        let is_out = |start: &Duration| *start < birth || is_too_old(*start, now, max_age);
        let first = self.starts.partition_point(is_out);
        self.starts.get(first).copied().unwrap_or(self.running())
    }
}

/// Whether a tick that began at `start` is beyond the age that a window reaches back to.
fn is_too_old(start: Duration, now: Duration, max_age: Duration) -> bool {
    // The longest age of all means never.
    start.saturating_add(max_age) < now
}

/// What one series recorded in one whole tick.
#[derive(Debug)]
struct Interval {
    start: Duration,
    cells: Box<[(u16, usize, u64)]>,
    samples: u64,
    sum: f64,
}

/// The closed ticks of one series, and the running one.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The tick in which the series was first seen.
    birth: Duration,
    closed: VecDeque<Interval>,
    /// The sum of `closed`, kept up to date by what enters and leaves.
    merged: Arc<Buckets>,
    running: Buckets,
}

impl Recent {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        Self {
            birth,
            closed: VecDeque::new(),
            merged: Arc::new(Buckets::new(layout)),
            running: Buckets::new(layout),
        }
    }

    /// What was recorded since the last tick, for a pass to add to.
    pub(crate) fn running(&mut self) -> &mut Buckets {
        &mut self.running
    }

    /// Ends the tick that began at `start`.
    pub(crate) fn close(&mut self, start: Duration, now: Duration, rule: Rule) {
        let mut merged = (self.running.count() > 0).then(|| (*self.merged).clone());
        if let Some(merged) = &mut merged {
            merged.merge(&self.running);
            self.closed.push_back(Interval {
                start,
                cells: self.running.cells().collect(),
                samples: self.running.count(),
                sum: self.running.sum(),
            });
            self.running.clear();
        }
        let surplus = self.surplus(0, now, rule);
        if surplus > 0 {
            let merged = merged.get_or_insert_with(|| (*self.merged).clone());
            for interval in self.closed.drain(..surplus) {
                interval.leave(merged);
            }
        }
        if let Some(mut merged) = merged {
            merged.set_sum(self.closed.iter().map(|interval| interval.sum).sum());
            self.merged = Arc::new(merged);
        }
    }

    /// How many of the oldest closed ticks are not in a window that has `held` samples without them.
    fn surplus(&self, held: u64, now: Duration, rule: Rule) -> usize {
        let mut held = held;
        let kept = self.closed.iter().rev().take_while(|interval| {
            let wanted = held < rule.samples && !is_too_old(interval.start, now, rule.max_age);
            held += interval.samples;
            wanted
        });
        self.closed.len() - kept.count()
    }

    /// The window as of `now`.
    pub(crate) fn window(&self, ticks: &Ticks, now: Duration, rule: Rule) -> Window {
        let surplus = self.surplus(self.running.count(), now, rule);
        let buckets = if surplus == 0 && self.running.count() == 0 {
            self.merged.clone()
        } else {
            Arc::new(self.combined(surplus))
        };
        let start = if buckets.count() >= rule.samples {
            self.closed.get(surplus).map_or(ticks.running(), |oldest| oldest.start)
        } else {
            ticks.oldest(self.birth, now, rule.max_age)
        };
        Window { buckets, span: now.saturating_sub(start) }
    }

    fn combined(&self, surplus: usize) -> Buckets {
        let mut buckets = (*self.merged).clone();
        for interval in self.closed.iter().take(surplus) {
            interval.leave(&mut buckets);
        }
        buckets.merge(&self.running);
        let closed: f64 = self.closed.iter().skip(surplus).map(|interval| interval.sum).sum();
        buckets.set_sum(closed + self.running.sum());
        buckets
    }
}

impl Interval {
    fn leave(&self, merged: &mut Buckets) {
        for &(octave, bucket, n) in &self.cells {
            merged.remove(octave, bucket, n);
        }
    }
}
