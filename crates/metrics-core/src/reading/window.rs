//! Windows over cumulative totals: the last thousand samples, in whole ticks.
//!
//! Nothing is rotated or cleared where values are recorded. A pass takes the
//! difference to the totals it saw before; the differences of the last ticks
//! are the window. It holds the most recent whole ticks, and the running one,
//! that together have at least [`Rule::samples`] samples, and never reaches
//! back further than [`Rule::max_age`]. So a busy series is right over its last
//! second, a quiet one over its last thousand samples, and an idle one becomes
//! empty.

mod parts;

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::reading::buckets::{Buckets, Rise};
use crate::recording::layout::Layout;

use parts::Base;
pub(crate) use parts::Parts;
pub use parts::Window;

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

    /// The oldest start that a window of `max_age` reaches back to.
    pub(crate) fn reach(&self, now: Duration, max_age: Duration) -> Duration {
        let first = self.starts.iter().find(|start| !is_too_old(**start, now, max_age));
        first.copied().unwrap_or(self.running())
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
    /// Those in the window.
    closed: VecDeque<Interval>,
    /// The start and the samples of the oldest of them.
    oldest: Option<(Duration, u64)>,
    /// How many samples they have, and their sum.
    samples: u64,
    sum: f64,
    /// Nothing while nothing was recorded, so that an idle series is not looked into.
    running: Option<Arc<Rise>>,
    /// See [`Parts`].
    base: Arc<Base>,
    entered: Vec<Arc<Rise>>,
    left: Vec<Arc<Rise>>,
}

/// How many changes are kept beside the base before it takes them in.
const MOST_CHANGES: usize = 16;

static NOTHING: Rise = Rise::new();

impl Recent {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        let nothing = || Buckets::new(layout);
        Self {
            birth,
            closed: VecDeque::new(),
            oldest: None,
            samples: 0,
            sum: 0.0,
            running: None,
            base: Arc::new(Base { total: nothing(), window: nothing() }),
            entered: Vec::new(),
            left: Vec::new(),
        }
    }

    /// What a sample shows of a series without a value.
    pub(crate) fn nothing(&self) -> Parts {
        Parts {
            base: self.base.clone(),
            entered: Vec::new(),
            left: Vec::new(),
            leaving: Vec::new(),
            running: None,
            samples: 0,
            sum: 0.0,
            total_sum: 0.0,
            window: OnceLock::new(),
            total: OnceLock::new(),
        }
    }

    /// What was recorded since the last tick, for a pass to add to.
    pub(crate) fn running(&mut self) -> &mut Rise {
        Arc::make_mut(self.running.get_or_insert_default())
    }

    pub(crate) fn fresh(&self) -> &Rise {
        self.running.as_deref().unwrap_or(&NOTHING)
    }

    /// Ends the tick that began at `start`, with the totals as of now; whether the window changed.
    pub(crate) fn close(
        &mut self,
        start: Duration,
        now: Duration,
        rule: Rule,
        total: &Buckets,
    ) -> bool {
        let grown = self.running.take_if(|rise| rise.samples() > 0);
        let grows = grown.is_some();
        if let Some(rise) = grown {
            self.entered.push(rise.clone());
            let (samples, sum) = (rise.samples(), rise.sum());
            self.samples += samples;
            self.closed.push_back(Interval { start, samples, sum, rise });
        }
        let surplus = self.surplus(0, now, rule);
        for interval in self.closed.drain(..surplus) {
            self.samples -= interval.samples;
            self.left.push(interval.rise);
        }
        let changes = grows || surplus > 0;
        if changes {
            self.oldest = self.closed.front().map(|oldest| (oldest.start, oldest.samples));
            self.sum = self.closed.iter().map(|interval| interval.sum).sum();
            if self.entered.len() + self.left.len() >= MOST_CHANGES {
                self.rebase(total);
            }
        }
        changes
    }

    /// Takes the changes into the base.
    pub(crate) fn rebase(&mut self, total: &Buckets) {
        let mut window = self.base.window.clone();
        self.entered.drain(..).for_each(|rise| window.enter(&rise));
        self.left.drain(..).for_each(|rise| window.leave(&rise));
        window.set_sum(self.sum);
        self.base = Arc::new(Base { total: total.clone(), window });
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

    /// Says what a sample shows as of `now`, beside the sum of all values; until when it stays so.
    pub(crate) fn fill(
        &self,
        parts: &mut Parts,
        now: Duration,
        running_tick: Duration,
        rule: Rule,
        total_sum: f64,
    ) -> Span {
        let fresh = self.fresh();
        // Those that the running tick has pushed out.
        let leaving = self.surplus(fresh.samples(), now, rule);
        let stays = self.closed.iter().skip(leaving);
        let (samples, sum) = match leaving {
            0 => (self.samples, self.sum),
            _ => stays.clone().fold((0, 0.0), |(samples, sum), interval| {
                (samples + interval.samples, sum + interval.sum)
            }),
        };
        parts.samples = samples + fresh.samples();
        parts.sum = sum + fresh.sum();
        parts.total_sum = total_sum;
        if !parts.is_of(&self.base, self.entered.len(), self.left.len()) {
            parts.base.clone_from(&self.base);
            parts.entered.clone_from(&self.entered);
            parts.left.clone_from(&self.left);
        }
        parts.leaving.clear();
        parts.leaving.extend(self.closed.iter().take(leaving).map(|left| left.rise.clone()));
        parts.running.clone_from(&self.running);
        (parts.window, parts.total) = (OnceLock::new(), OnceLock::new());
        let oldest = stays.clone().next().map(|interval| interval.start);
        let is_full = parts.samples >= rule.samples;
        Span {
            start: if is_full { oldest.unwrap_or(running_tick) } else { self.birth },
            until: oldest.map_or(Duration::MAX, |start| start.saturating_add(rule.max_age)),
        }
    }
}

/// Since when a window is, and until when nothing but a record changes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Or since the oldest tick that a window may reach back to, if that is later.
    pub(crate) start: Duration,
    pub(crate) until: Duration,
}
