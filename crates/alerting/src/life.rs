//! The states of an alert, as one table without time of its own and without data.
//!
//! | state | the condition holds | it does not | unknown |
//! | --- | --- | --- | --- |
//! | inactive, resolved | pending; firing if `for` is zero | as it is | as it is |
//! | pending | firing once it has held for `for` | inactive | as it is; inactive once stale |
//! | firing | as it is | resolved once it has not held for the hold time | as it is; resolved once stale |
//!
//! These are the states of the Alert Generator Compliance Specification 1.0 of Prometheus, with
//! its rule that a `for` under the interval fires at the next evaluation. The column for unknown
//! data is ours: Prometheus resolves an alert whose series is gone, and that way a failed scrape
//! ends the alarm about a breaker that is still open.

use std::time::Duration;

/// The state of an alert that is not inactive, with the times that decide the next one.
///
/// All times are on the clock of the engine, which stands still while nobody evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) phase: Phase,
    /// The time at which the condition began to hold.
    active_since: Duration,
    /// The time since which the condition is known not to hold; `None` while it holds.
    clear_since: Option<Duration>,
    /// The time since which the data are missing; `None` while there are data.
    missing_since: Option<Duration>,
}

/// The states besides inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pending,
    Firing,
    Resolved,
}

/// What an evaluation saw of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Holds,
    Clear,
    Missing,
}

/// The times of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time for which the condition must hold.
    pub(crate) lasting: Duration,
    /// The time for which it must not hold before a firing alert is resolved.
    pub(crate) hold: Duration,
    /// The time for which data may be missing before the alert ends.
    pub(crate) stale: Duration,
}

impl Life {
    /// Returns the life after an evaluation at `now`; `None` if the alert is inactive.
    pub(crate) fn next(
        before: Option<Self>,
        seen: Seen,
        now: Duration,
        times: Times,
    ) -> Option<Self> {
        let life = match before {
            Some(life) if life.phase != Phase::Resolved => life,
            _ if seen == Seen::Holds => Self::begin(now, times),
            resolved => return resolved,
        };
        match (life.phase, seen) {
            (_, Seen::Holds) => Some(life.held(now, times)),
            (Phase::Pending, Seen::Clear) => None,
            (Phase::Pending, Seen::Missing) => {
                let life = life.missed(now);
                (!life.is_stale(now, times)).then_some(life)
            }
            // Data that are missing after it was clear are no reason to hold it for longer.
            (_, Seen::Missing) if life.clear_since.is_none() => {
                let life = life.missed(now);
                Some(if life.is_stale(now, times) { life.resolved() } else { life })
            }
            _ => Some(life.clear(now, times)),
        }
    }

    fn begin(now: Duration, times: Times) -> Self {
        let phase = if times.lasting.is_zero() { Phase::Firing } else { Phase::Pending };
        Self { phase, active_since: now, clear_since: None, missing_since: None }
    }

    fn held(self, now: Duration, times: Times) -> Self {
        let has_lasted = now.saturating_sub(self.active_since) >= times.lasting;
        let phase = if has_lasted { Phase::Firing } else { self.phase };
        Self { phase, clear_since: None, missing_since: None, ..self }
    }

    fn clear(self, now: Duration, times: Times) -> Self {
        let since = self.clear_since.unwrap_or(now);
        let life = Self { clear_since: Some(since), missing_since: None, ..self };
        if now.saturating_sub(since) >= times.hold { life.resolved() } else { life }
    }

    fn missed(self, now: Duration) -> Self {
        Self { missing_since: Some(self.missing_since.unwrap_or(now)), ..self }
    }

    /// Returns the life of an alert that is pending for as long as this one is active.
    pub(crate) fn pending(self) -> Self {
        Self { phase: Phase::Pending, clear_since: None, missing_since: None, ..self }
    }

    /// Returns the life after the alert has been resolved.
    pub(crate) fn resolved(self) -> Self {
        Self { phase: Phase::Resolved, ..self }
    }

    fn is_stale(self, now: Duration, times: Times) -> bool {
        self.missing_since.is_some_and(|since| now.saturating_sub(since) >= times.stale)
    }

    /// Returns the time until which a firing alert is held although its condition is false.
    pub(crate) fn held_until(&self, times: Times) -> Option<Duration> {
        let since = self.clear_since.filter(|_| self.phase == Phase::Firing)?;
        Some(since.saturating_add(times.hold))
    }

    /// Returns the time at which the alert ends if its data stay missing.
    pub(crate) fn stale_at(&self, times: Times) -> Option<Duration> {
        Some(self.missing_since?.saturating_add(times.stale))
    }
}

#[cfg(test)]
mod tests;
