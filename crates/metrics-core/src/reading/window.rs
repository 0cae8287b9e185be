//! Windows over cumulative totals: the last thousand samples, in whole ticks.
//!
//! Nothing is rotated or cleared where values are recorded. A pass takes the
//! difference to the totals it saw before; the differences of the last ticks
//! are the window. It holds the most recent whole ticks, and the running one,
//! that together have at least [`Rule::samples`] samples, and never reaches
//! back further than [`Rule::max_age`]. So a busy series is right over its last
//! second, a quiet one over its last thousand samples, and an idle one becomes
//! empty.
//!
//! For example, seconds 7 and 8 have 400 samples each, and second 9 has 300 so far: the
//! window is the 1100 of all three. When second 9 has 600, second 7 is no longer needed,
//! and the window is the 1000 of seconds 8 and 9.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::reading::histogram::{Base, Published};
use crate::reading::timeline::{ClosedTick, PassTime, is_too_old};
use crate::recording::layout::Layout;

/// The samples that a window holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// At least so many, if `max_age` allows it.
    pub(crate) samples: u64,
    pub(crate) max_age: Duration,
}

/// One whole tick of one series.
#[derive(Debug)]
struct Interval {
    start: Duration,
    /// The count and the sum of `delta`, here so that most passes need not follow it.
    count: u64,
    sum: f64,
    delta: Arc<Delta>,
}

/// The ticks of one series: those in its window, and the running one.
#[derive(Debug)]
pub(crate) struct SeriesTicks {
    layout: Layout,
    /// The start of the tick in which the series was first seen.
    birth: Duration,
    /// The closed ticks in the window, the oldest first. Ticks without records are left out.
    closed: VecDeque<Interval>,
    /// The start and the count of the oldest of them, here so that most passes need not follow `closed`.
    oldest: Option<(Duration, u64)>,
    /// The count and the sum of `closed`.
    count: u64,
    sum: f64,
    /// The records of the running tick so far; `None` while there are none.
    running: Option<Arc<Delta>>,
    /// The last closed tick with records, by its number.
    last_closed: Option<(u64, Arc<Delta>)>,
    /// The totals and the window some ticks ago, and the ticks that came and left since: see [`Published`].
    base: Arc<Base>,
    entered: Vec<Arc<Delta>>,
    left: Vec<Arc<Delta>>,
}

/// The time that a window covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowSpan {
    /// The start of the window, unless all windows start later by their longest age.
    pub(crate) start: Duration,
    /// The moment at which the window loses its oldest tick by age alone.
    pub(crate) valid_until: Duration,
}

/// The most ticks that are kept beside the base before a new base takes them in.
///
/// A new base copies all buckets of the series (some KiB); a reader adds up at most so
/// many ticks. At sixteen, copying is a fraction of a pass and adding up a few microseconds.
const MOST_CHANGES: usize = 16;

impl SeriesTicks {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        let empty = || Buckets::new(layout);
        Self {
            layout,
            birth,
            closed: VecDeque::new(),
            oldest: None,
            count: 0,
            sum: 0.0,
            running: None,
            last_closed: None,
            base: Arc::new(Base { total: empty(), window: empty() }),
            entered: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Returns data for samples that [`fill`](Self::fill) was not called with yet.
    pub(crate) fn unfilled(&self) -> Published {
        Published::new(self.base.clone())
    }

    /// The records of the running tick, for a pass to add to.
    ///
    /// They are copied first if a sample still holds them, so drop such samples before.
    pub(crate) fn running_mut(&mut self) -> &mut Delta {
        let running = self.running.get_or_insert_with(|| Arc::new(Delta::new(self.layout)));
        Arc::make_mut(running)
    }

    fn running(&self) -> &Delta {
        self.running.as_deref().unwrap_or(Delta::empty(self.layout))
    }

    /// Ends a tick in which the totals rose to `total`; returns `true` if the window changed.
    pub(crate) fn close(&mut self, tick: ClosedTick, rule: Rule, total: &Buckets) -> bool {
        let recorded = self.running.take_if(|delta| !delta.is_empty());
        let has_records = recorded.is_some();
        if let Some(delta) = recorded {
            // One allocation from here on: the window, the totals and all samples share it.
            self.last_closed = Some((tick.number, delta.clone()));
            self.entered.push(delta.clone());
            let (count, sum) = (delta.count(), delta.sum());
            self.count += count;
            self.closed.push_back(Interval { start: tick.start, count, sum, delta });
        }
        let surplus = self.surplus(0, tick.end, rule);
        for interval in self.closed.drain(..surplus) {
            self.count -= interval.count;
            self.left.push(interval.delta);
        }
        let changes = has_records || surplus > 0;
        if changes {
            self.oldest = self.closed.front().map(|oldest| (oldest.start, oldest.count));
            // Added up anew: a running sum of floats that come and go would drift.
            self.sum = self.closed.iter().map(|interval| interval.sum).sum();
            if self.entered.len() + self.left.len() >= MOST_CHANGES {
                self.rebase(total);
            }
        }
        changes
    }

    /// Replaces the base by one that has taken the changes in.
    pub(crate) fn rebase(&mut self, total: &Buckets) {
        let mut window = self.base.window.clone();
        // In this order: a tick that came and left since must be in before it is taken out.
        self.entered.drain(..).for_each(|delta| window.add_delta(&delta));
        self.left.drain(..).for_each(|delta| window.subtract_delta(&delta));
        window.set_sum(self.sum);
        self.base = Arc::new(Base { total: total.clone(), window });
    }

    /// Returns how many of the oldest closed ticks a window with `running` further samples does not need.
    fn surplus(&self, running: u64, now: Duration, rule: Rule) -> usize {
        let leaves = |rest: u64, start: Duration| {
            rest >= rule.samples || is_too_old(start, now, rule.max_age)
        };
        // Without the oldest tick, are there still enough samples? Then without the next, too?
        let mut rest = running + self.count;
        match self.oldest {
            Some((start, count)) if leaves(rest - count, start) => {}
            _ => return 0,
        }
        let surplus = self.closed.iter().take_while(|interval| {
            rest -= interval.count;
            leaves(rest, interval.start)
        });
        surplus.count()
    }

    /// Writes the data that a sample shows, and returns the time that its window covers.
    pub(crate) fn fill(&self, published: &mut Published, at: PassTime<'_>) -> WindowSpan {
        let rule = at.time.rule;
        let running = self.running();
        // The running tick may have samples enough to do without the oldest closed ticks.
        // They stay in `closed` until it ends: it alone decides what a window is made of then.
        let leaving = self.surplus(running.count(), at.now, rule);
        let stays = self.closed.iter().skip(leaving);
        let (count, sum) = match leaving {
            0 => (self.count, self.sum),
            _ => stays.clone().fold((0, 0.0), |(count, sum), interval| {
                (count + interval.count, sum + interval.sum)
            }),
        };
        published.window_count = count + running.count();
        published.window_sum = sum + running.sum();
        published.share_base(&self.base, &self.entered, &self.left);
        published.leaving.clear();
        published.leaving.extend(self.closed.iter().take(leaving).map(|tick| tick.delta.clone()));
        published.running.clone_from(&self.running);
        published.last_closed.clone_from(&self.last_closed);
        let oldest = stays.clone().next().map(|interval| interval.start);
        let is_full = published.window_count >= rule.samples;
        WindowSpan {
            // A window that lacks samples has all that the series recorded since it was
            // first seen, or since the longest age.
            start: if is_full { oldest.unwrap_or(at.time.ticks.running()) } else { self.birth },
            valid_until: oldest.map_or(Duration::MAX, |start| start.saturating_add(rule.max_age)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
