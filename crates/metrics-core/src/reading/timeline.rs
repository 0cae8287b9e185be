//! The timeline: starts, ends and spans of a registry's last ticks.

use std::collections::VecDeque;
use std::time::Duration;

use crate::reading::window::Rule;

/// The number of whole ticks over which rates are computed.
pub(crate) const RATE_TICKS: usize = 10;

/// The starts and ends of a registry's last ticks, as uptimes of its clock.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) ticks: TickStarts,
    /// The ends of the last whole ticks: the one of tick `n` is at `n % 11`.
    ends: [Duration; RATE_TICKS + 1],
    /// The total duration of the last `n` whole ticks, at index `n`.
    spans: [Duration; RATE_TICKS + 1],
    /// The number of ticks that have ended, and so the number of the last of them.
    pub(crate) ended: u64,
    pub(crate) rule: Rule,
}

/// A tick that has just ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedTick {
    /// The first tick of a registry has the number 1.
    pub(crate) number: u64,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
}

/// The moment of a pass, for the values that depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassTime<'a> {
    pub(crate) time: &'a Timeline,
    pub(crate) now: Duration,
    /// The start of the oldest tick that any window reaches back to.
    pub(crate) reach: Duration,
}

impl Timeline {
    pub(crate) fn starting(at: Duration, rule: Rule) -> Self {
        Self {
            ticks: TickStarts::starting(at),
            ends: [at; RATE_TICKS + 1],
            spans: [Duration::ZERO; RATE_TICKS + 1],
            ended: 0,
            rule,
        }
    }

    /// Ends the running tick and returns it.
    pub(crate) fn advance(&mut self, now: Duration) -> ClosedTick {
        let start = self.ticks.running();
        self.ended += 1;
        self.ends[slot(self.ended)] = now;
        for (ticks, span) in (0..).zip(&mut self.spans) {
            // A young registry has fewer ticks; slot 0 holds its start.
            *span = now.saturating_sub(self.ends[slot(self.ended.saturating_sub(ticks))]);
        }
        self.ticks.advance(now, self.rule.max_age);
        ClosedTick { number: self.ended, start, end: now }
    }

    /// Returns the total duration of the last `ticks` whole ticks.
    pub(crate) fn span_of_last(&self, ticks: usize) -> Duration {
        self.spans[ticks]
    }

    pub(crate) fn at(&self, now: Duration) -> PassTime<'_> {
        PassTime { time: self, now, reach: self.ticks.reach(now, self.rule.max_age) }
    }
}

/// Returns the index of tick `number` in a ring of [`RATE_TICKS`]` + 1` ticks.
pub(crate) fn slot(number: u64) -> usize {
    (number % (RATE_TICKS as u64 + 1)) as usize
}

/// The starts of the ticks that windows can include; the last is that of the running tick.
#[derive(Debug)]
pub(crate) struct TickStarts {
    starts: VecDeque<Duration>,
}

impl TickStarts {
    fn starting(at: Duration) -> Self {
        Self { starts: VecDeque::from([at]) }
    }

    /// The start of the running tick.
    pub(crate) fn running(&self) -> Duration {
        self.starts.back().copied().unwrap_or_default()
    }

    /// Ends the running tick at `now`.
    fn advance(&mut self, now: Duration, max_age: Duration) {
        self.starts.push_back(now);
        while self.starts.len() > 1 && is_too_old(self.starts[0], now, max_age) {
            self.starts.pop_front();
        }
    }

    /// Returns the start of the oldest tick that a window of `max_age` includes.
    fn reach(&self, now: Duration, max_age: Duration) -> Duration {
        let first = self.starts.iter().find(|start| !is_too_old(**start, now, max_age));
        first.copied().unwrap_or(self.running())
    }
}

/// Returns `true` if a tick that began at `start` is older than `max_age`.
pub(crate) fn is_too_old(start: Duration, now: Duration, max_age: Duration) -> bool {
    // Saturates, since `Duration::MAX` stands for no limit and must not overflow.
    start.saturating_add(max_age) < now
}
