//! The share of its time for which a worker was busy.
//!
//! A runtime adds to a worker's busy time when the worker parks, or at the latest after some
//! sixty tasks. A worker that one task blocks does neither, so its busy time does not change, as
//! if it slept. The number of its parks and unparks distinguishes the two cases. A worker sleeps
//! while the number is odd. When the number is even and the same as before, the worker has not slept
//! in between, and was busy all the time.

use std::time::Duration;

use tokio::runtime::RuntimeMetrics;

/// One worker, as the runtime describes it at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Worker {
    /// The busy time since the runtime began, as far as the runtime has added it up.
    busy: Duration,
    /// Parks and unparks together.
    turns: u64,
    pub(crate) parks: u64,
}

impl Worker {
    /// All workers of a runtime.
    pub(crate) fn all(runtime: &RuntimeMetrics) -> Vec<Self> {
        let worker = |worker| Self {
            busy: runtime.worker_total_busy_duration(worker),
            turns: runtime.worker_park_unpark_count(worker),
            parks: runtime.worker_park_count(worker),
        };
        (0..runtime.num_workers()).map(worker).collect()
    }

    /// The share of `span`, which began at `before`, for which the worker was busy.
    pub(crate) fn busy_since(&self, before: &Self, span: Duration) -> f64 {
        let is_parked = self.turns % 2 == 1;
        if !is_parked && self.turns == before.turns {
            return 1.0;
        }
        // A task that ended within the span may have begun before it.
        let busy = self.busy.saturating_sub(before.busy).min(span);
        busy.as_secs_f64() / span.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(1);

    #[track_caller]
    fn check(before: (u64, u64), after: (u64, u64), expected: f64) {
        let worker =
            |(millis, turns)| Worker { busy: Duration::from_millis(millis), turns, parks: 0 };
        assert_eq!(worker(after).busy_since(&worker(before), SPAN), expected);
    }

    #[test]
    fn sleeping_worker_is_idle() {
        check((500, 7), (500, 7), 0.0);
    }

    #[test]
    fn worker_that_one_task_blocks_is_busy_though_its_busy_time_stands_still() {
        check((500, 8), (500, 8), 1.0);
        check((0, 0), (0, 0), 1.0);
    }

    #[test]
    fn worker_that_never_slept_is_busy_though_its_busy_time_lags_behind() {
        check((500, 8), (1200, 8), 1.0);
    }

    #[test]
    fn worker_that_woke_and_slept_is_busy_for_its_busy_time() {
        check((500, 7), (750, 9), 0.25);
        check((500, 7), (750, 10), 0.25);
        check((500, 8), (750, 9), 0.25);
    }

    #[test]
    fn task_that_began_before_is_no_more_than_the_whole_span() {
        check((500, 8), (9500, 9), 1.0);
    }
}
