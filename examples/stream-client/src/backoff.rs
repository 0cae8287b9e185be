//! The time between two attempts.

use std::time::Duration;

/// Waits a random part of a limit, which doubles with each failure up to a maximum ("full jitter").
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Sets the first limit and the longest.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// Returns the time to wait after one more failure, for a random number from 0 to 1.
    pub fn next(&mut self, random: f64) -> Duration {
        let limit = self.first.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        limit.min(self.longest).mul_f64(random.clamp(0.0, 1.0))
    }

    /// Begins with the first limit again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Default for Backoff {
    /// From half a second to half a minute.
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_doubles_up_to_the_longest_and_begins_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let limits: Vec<_> = (0..5).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(limits, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(500));
    }

    #[test]
    fn a_thousand_failures_are_no_overflow() {
        let mut backoff = Backoff::default();
        for _ in 0..1000 {
            assert!(backoff.next(1.0) <= Duration::from_secs(30));
        }
    }
}
