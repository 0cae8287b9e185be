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
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::buckets::{Buckets, Rise};
use crate::layout::Layout;

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
    /// Between two ticks they are put together here, once, by whoever asks first.
    pub fn buckets(&self) -> &'a Buckets {
        self.parts.buckets()
    }
}

impl PartialEq for Window<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.buckets() == other.buckets()
    }
}

/// What a window is put together from.
#[derive(Debug)]
pub(crate) struct Parts {
    closed: Arc<Buckets>,
    /// Those of the closed ticks that the running one has pushed out.
    leaving: Vec<Arc<Rise>>,
    running: Option<Arc<Rise>>,
    samples: u64,
    sum: f64,
    whole: OnceLock<Buckets>,
}

impl Parts {
    /// Of a series without a value, with any empty buckets of its kind.
    pub(crate) fn nothing(closed: &Arc<Buckets>) -> Self {
        Self {
            closed: closed.clone(),
            leaving: Vec::new(),
            running: None,
            samples: 0,
            sum: 0.0,
            whole: OnceLock::new(),
        }
    }

    /// Lets go of the running tick.
    pub(crate) fn let_go(&mut self) {
        self.running = None;
    }

    /// What the running tick brought.
    pub(crate) fn running(&self) -> &Rise {
        self.running.as_deref().unwrap_or(&NOTHING)
    }

    fn buckets(&self) -> &Buckets {
        if self.leaving.is_empty() && self.running().samples() == 0 {
            return &self.closed;
        }
        self.whole.get_or_init(|| {
            let mut whole = (*self.closed).clone();
            self.leaving.iter().for_each(|rise| whole.leave(rise));
            whole.enter(self.running());
            whole.set_sum(self.sum);
            whole
        })
    }
}

/// Makes one the same as another, nearly always without counting up references.
pub(crate) fn share<T>(mine: &mut Arc<T>, other: &Arc<T>) {
    if !Arc::ptr_eq(mine, other) {
        *mine = other.clone();
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
    /// Those of `rise`, here so that most readings need not follow it.
    samples: u64,
    sum: f64,
    rise: Arc<Rise>,
}

/// The closed ticks of one series, and the running one.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The tick in which the series was first seen.
    birth: Duration,
    closed: VecDeque<Interval>,
    /// The start and the samples of the oldest of them.
    oldest: Option<(Duration, u64)>,
    /// The sum of `closed`, kept up to date by what enters and leaves.
    merged: Arc<Buckets>,
    /// How many samples `merged` has.
    samples: u64,
    /// Nothing while nothing was recorded, so that an idle series is not looked into.
    running: Option<Arc<Rise>>,
}

static NOTHING: Rise = Rise::new();

impl Recent {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        Self {
            birth,
            closed: VecDeque::new(),
            oldest: None,
            merged: Arc::new(Buckets::new(layout)),
            samples: 0,
            running: None,
        }
    }

    /// What was recorded since the last tick, for a pass to add to.
    pub(crate) fn running(&mut self) -> &mut Rise {
        Arc::make_mut(self.running.get_or_insert_default())
    }

    pub(crate) fn fresh(&self) -> &Rise {
        self.running.as_deref().unwrap_or(&NOTHING)
    }

    /// Ends the tick that began at `start`; whether the window's parts changed.
    pub(crate) fn close(&mut self, start: Duration, now: Duration, rule: Rule) -> bool {
        let grown = self.running.take_if(|rise| rise.samples() > 0);
        let grows = grown.is_some();
        if let Some(rise) = grown {
            Arc::make_mut(&mut self.merged).enter(&rise);
            let (samples, sum) = (rise.samples(), rise.sum());
            self.samples += samples;
            self.closed.push_back(Interval { start, samples, sum, rise });
        }
        let surplus = self.surplus(0, now, rule);
        if surplus > 0 {
            let merged = Arc::make_mut(&mut self.merged);
            self.closed.drain(..surplus).for_each(|interval| merged.leave(&interval.rise));
            self.samples = merged.count();
        }
        let changes = grows || surplus > 0;
        if changes {
            self.oldest = self.closed.front().map(|oldest| (oldest.start, oldest.samples));
            let sum = self.closed.iter().map(|interval| interval.sum).sum();
            Arc::make_mut(&mut self.merged).set_sum(sum);
        }
        changes
    }

    /// How many of the oldest closed ticks are not in a window that has `held` samples beside them.
    fn surplus(&self, held: u64, now: Duration, rule: Rule) -> usize {
        let leaves = |rest: u64, start: Duration| {
            rest >= rule.samples || is_too_old(start, now, rule.max_age)
        };
        let mut rest = held + self.samples;
        // Most series keep their oldest tick, and need not look into it.
        match self.oldest {
            Some((start, samples)) if leaves(rest - samples, start) => {}
            _ => return 0,
        }
        let surplus = self.closed.iter().take_while(|interval| {
            rest -= interval.samples;
            leaves(rest, interval.start)
        });
        surplus.count()
    }

    /// How many of the closed ticks the running one has pushed out as of `now`.
    pub(crate) fn leaving(&self, now: Duration, rule: Rule) -> usize {
        self.surplus(self.fresh().samples(), now, rule)
    }

    /// How many samples the window has without the oldest `leaving` ticks.
    fn held(&self, leaving: usize) -> u64 {
        let left: u64 = self.closed.iter().take(leaving).map(|interval| interval.samples).sum();
        self.samples - left + self.fresh().samples()
    }

    /// Says what the window consists of without the oldest `leaving` ticks.
    pub(crate) fn fill(&self, parts: &mut Parts, leaving: usize) {
        let closed = match leaving {
            0 => self.merged.sum(),
            _ => self.closed.iter().skip(leaving).map(|interval| interval.sum).sum(),
        };
        parts.samples = self.held(leaving);
        parts.sum = closed + self.fresh().sum();
        share(&mut parts.closed, &self.merged);
        parts.leaving.clear();
        parts.leaving.extend(self.closed.iter().take(leaving).map(|left| left.rise.clone()));
        parts.running.clone_from(&self.running);
        parts.whole = OnceLock::new();
    }

    /// How far the window reaches back.
    pub(crate) fn span(
        &self,
        leaving: usize,
        ticks: &Ticks,
        now: Duration,
        rule: Rule,
    ) -> Duration {
        let start = if self.held(leaving) >= rule.samples {
            self.closed.get(leaving).map_or(ticks.running(), |oldest| oldest.start)
        } else {
            ticks.oldest(self.birth, now, rule.max_age)
        };
        now.saturating_sub(start)
    }
}
