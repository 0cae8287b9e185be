//! Waiting for another process, with an end.
//!
//! The real programs that tests start give no signal of their own when they are ready,
//! so somebody has to ask again and again. All such asking goes through [`Deadline`]:
//! it is the one place of the tests that looks at a clock or sleeps, and it cannot wait
//! for ever. Inside one process use a channel or the runtime's paused time instead.

use std::time::{Duration, Instant};

/// How long to rest between two looks at a condition.
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

    /// Tells whether the deadline has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.left().is_zero()
    }

    /// Asks until `probe` has an answer; `None` when the deadline passes first.
    ///
    /// The probe runs at least once, and once more after the deadline passed, so a
    /// slow machine is not punished for a late wake-up.
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

    /// Asks until `condition` holds; false when the deadline passes first.
    pub fn until(&self, mut condition: impl FnMut() -> bool) -> bool {
        self.poll(|| condition().then_some(())).is_some()
    }
}

/// A stopwatch for what happens in other processes.
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

/// Lets real time pass, for tests that watch another process over a while.
///
/// This is for the length of an observation ("scrape for a minute"), never for hoping
/// that something has happened by then: that is [`Deadline::until`].
#[expect(
    clippy::disallowed_methods,
    reason = "other processes live in real time; this module is where tests meet it"
)]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
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
