//! Waits for another process, with a time limit.
//!
//! The programs that tests start do not signal that they are ready, so a test has to poll
//! them. All polling goes through [`Deadline`], which never waits for ever. This module
//! is the only one in the tests that reads a clock or sleeps. For events inside one
//! process use a channel or the runtime's paused time instead.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The pause between two polls.
const PAUSE: Duration = Duration::from_millis(10);

/// A point in time after which waiting has failed.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    end: Instant,
}

impl Deadline {
    /// Sets a deadline that passes `limit` from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self { end: now() + limit }
    }

    /// Sets a deadline that passes `seconds` from now.
    #[must_use]
    pub fn seconds(seconds: u64) -> Self {
        Self::after(Duration::from_secs(seconds))
    }

    /// Returns the time left, zero once the deadline has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(now())
    }

    /// Returns `true` if the deadline has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.left().is_zero()
    }

    /// Calls `probe` until it returns a value; `None` when the deadline passes first.
    ///
    /// The probe runs at least once, and once more after the deadline has passed, so that a
    /// late wake-up on a slow machine is no failure.
    pub fn poll<T>(&self, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            let last_try = self.has_passed();
            if let Some(answer) = probe() {
                return Some(answer);
            }
            if last_try {
                return None;
            }
            pause(PAUSE);
        }
    }

    /// Calls `condition` until it holds; returns `false` when the deadline passes first.
    pub fn until(&self, mut condition: impl FnMut() -> bool) -> bool {
        self.poll(|| condition().then_some(())).is_some()
    }
}

/// A stopwatch for tests that time other processes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    start: Instant,
}

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        Self { start: now() }
    }

    /// Returns the time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.start)
    }
}

/// Sleeps, for tests that watch another process for a time.
///
/// Use it for the length of an observation ("scrape for a minute"). To wait until
/// something has happened, use [`Deadline::until`].
#[expect(
    clippy::disallowed_methods,
    reason = "other processes live in real time; this module is where tests meet it"
)]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// Returns the time in epoch seconds, as other processes date what they record.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "other processes live in real time; this module is where tests meet it"
)]
pub fn epoch_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes live in real time; this module is where tests meet it"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_that_holds_is_seen_after_the_deadline_too() {
        assert!(Deadline::after(Duration::ZERO).until(|| true));
    }

    #[test]
    fn condition_that_never_holds_ends_with_the_deadline() {
        let mut looks = 0;
        let seen = Deadline::after(Duration::from_millis(30)).until(|| {
            looks += 1;
            false
        });
        assert!(!seen);
        assert!(looks >= 2, "looked {looks} times");
    }
}
