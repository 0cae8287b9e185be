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
use std::mem;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::buckets::Buckets;
use crate::layout::Layout;

/// The samples of the window, with the time that they cover.
///
/// Every statistic of a series is over the same window.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Window {
    parts: Arc<Parts>,
    /// From the start of the oldest tick in the window to the reading.
    pub span: Duration,
}

impl Window {
    /// How many samples the window has.
    pub fn samples(&self) -> u64 {
        self.parts.samples
    }

    /// The samples, none for a series that was idle for the longest age.
    ///
    /// Between two ticks they are put together here, once, by whoever asks first.
    pub fn buckets(&self) -> &Buckets {
        self.parts.buckets()
    }
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.buckets() == other.buckets()
    }
}

/// What a window is put together from.
#[derive(Debug)]
struct Parts {
    closed: Arc<Buckets>,
    /// Those of the closed ticks that the running one has pushed out.
    leaving: Vec<Arc<Buckets>>,
    running: Arc<Buckets>,
    samples: u64,
    sum: f64,
    whole: OnceLock<Buckets>,
}

impl Parts {
    fn buckets(&self) -> &Buckets {
        match (self.closed.count() == 0, self.running.count() == 0) {
            (_, true) if self.leaving.is_empty() => &self.closed,
            (true, _) => &self.running,
            _ => self.whole.get_or_init(|| {
                let mut whole = (*self.closed).clone();
                for interval in &self.leaving {
                    whole = whole.without(interval);
                }
                whole.merge(&self.running);
                whole.set_sum(self.sum);
                whole
            }),
        }
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
        // Nearly always the first is, so the search is not worth its start.
        let first = match self.starts.front() {
            Some(start) if !is_out(start) => 0,
            _ => self.starts.partition_point(is_out),
        };
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
    buckets: Arc<Buckets>,
}

/// The closed ticks of one series, and the running one.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The tick in which the series was first seen.
    birth: Duration,
    closed: VecDeque<Interval>,
    /// The sum of `closed`, kept up to date by what enters and leaves.
    merged: Arc<Buckets>,
    running: Arc<Buckets>,
    /// The parts of the window as it was last published, with how many of `closed` were leaving.
    published: Option<(usize, Arc<Parts>)>,
    empty: Arc<Buckets>,
}

impl Recent {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        let empty = Arc::new(Buckets::new(layout));
        Self {
            birth,
            closed: VecDeque::new(),
            merged: empty.clone(),
            running: empty.clone(),
            published: None,
            empty,
        }
    }

    /// What was recorded since the last tick.
    pub(crate) fn running(&self) -> &Buckets {
        &self.running
    }

    /// Replaces what was recorded since the last tick.
    pub(crate) fn set_running(&mut self, running: Buckets) {
        self.running = Arc::new(running);
        self.published = None;
    }

    pub(crate) fn set_running_sum(&mut self, sum: f64) {
        Arc::make_mut(&mut self.running).set_sum(sum);
    }

    /// Ends the tick that began at `start`.
    pub(crate) fn close(&mut self, start: Duration, now: Duration, rule: Rule) {
        let grows = self.running.count() > 0;
        if grows {
            let buckets = mem::replace(&mut self.running, self.empty.clone());
            self.merged = match self.closed.is_empty() {
                true => buckets.clone(),
                false => Arc::new(self.merged.with(buckets.cells())),
            };
            self.closed.push_back(Interval { start, buckets });
        }
        let surplus = self.surplus(0, now, rule);
        if surplus == 0 && !grows {
            return;
        }
        for interval in self.closed.drain(..surplus) {
            self.merged = Arc::new(self.merged.without(&interval.buckets));
        }
        let sum = self.closed.iter().map(|interval| interval.buckets.sum()).sum();
        Arc::make_mut(&mut self.merged).set_sum(sum);
        self.published = None;
    }

    /// How many of the oldest closed ticks are not in a window that has `held` samples beside them.
    fn surplus(&self, held: u64, now: Duration, rule: Rule) -> usize {
        let mut rest = held + self.merged.count();
        let left = self.closed.iter().take_while(|interval| {
            rest -= interval.buckets.count();
            rest >= rule.samples || is_too_old(interval.start, now, rule.max_age)
        });
        left.count()
    }

    /// The window as of `now`.
    pub(crate) fn window(&mut self, ticks: &Ticks, now: Duration, rule: Rule) -> Window {
        let surplus = self.surplus(self.running.count(), now, rule);
        let parts = match &self.published {
            Some((leaving, parts)) if *leaving == surplus => parts.clone(),
            _ => {
                let parts = Arc::new(self.parts(surplus));
                self.published.insert((surplus, parts)).1.clone()
            }
        };
        let start = if parts.samples >= rule.samples {
            self.closed.get(surplus).map_or(ticks.running(), |oldest| oldest.start)
        } else {
            ticks.oldest(self.birth, now, rule.max_age)
        };
        Window { parts, span: now.saturating_sub(start) }
    }

    fn parts(&self, surplus: usize) -> Parts {
        let closed = self.closed.iter().skip(surplus).map(|interval| interval.buckets.sum());
        let leaving = self.closed.iter().take(surplus).map(|interval| interval.buckets.clone());
        let leaving: Vec<_> = leaving.collect();
        let left: u64 = leaving.iter().map(|buckets| buckets.count()).sum();
        Parts {
            samples: self.merged.count() - left + self.running.count(),
            sum: closed.sum::<f64>() + self.running.sum(),
            closed: self.merged.clone(),
            leaving,
            running: self.running.clone(),
            whole: OnceLock::new(),
        }
    }
}
