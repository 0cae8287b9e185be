//! The engine's time, which stands still while nobody evaluates.
//!
//! A condition that held before a process was stopped and holds after it has not held for the ten
//! minutes between: nobody looked. So a gap between two evaluations counts as one interval. After
//! a tick that lasted far too long, as it does when the whole process was stopped, the rates of
//! the next ticks still contain that gap. Until they do not, the engine takes all data as missing.
//! The window of a latency may contain it for longer, up to five minutes: such a window is missing
//! until the gap has left it, while others are judged.
//!
//! The sampling thread wakes a little late, and not by the same time at each tick. Two ticks may be
//! 0.998 s apart, and a `for` of one second would then end a second later. So a time that is nearly
//! a multiple of the interval counts as that multiple.

use std::time::Duration;

use node0_metrics_core::Sample;

/// A longer time than this many intervals is a gap.
const GAP_INTERVALS: u32 = 3;

/// A time this part of an interval away from a multiple counts as the multiple.
const JITTER: u32 = 10;

/// The number of ticks over which rates are computed.
const RATE_TICKS: u64 = 10;

#[derive(Debug, Default)]
pub(crate) struct SteadyClock {
    /// The uptime of the last evaluation; `None` before the first.
    last: Option<Duration>,
    /// The time that has passed, without gaps.
    passed: Duration,
    /// The number of the last tick whose rates contain a gap.
    blind_until: u64,
    /// The uptime at which the last gap ended.
    gap_ended: Option<Duration>,
}

/// What to do with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: the interval has not passed.
    Wait,
    /// Evaluate at this time.
    Evaluate(Duration),
    /// Evaluate at this time with all data missing.
    Blind(Duration),
}

impl SteadyClock {
    /// Advances to a sample.
    pub(crate) fn advance(&mut self, sample: &Sample, interval: Duration) -> Step {
        let gap = interval.saturating_mul(GAP_INTERVALS);
        if sample.tick_span > gap {
            self.blind_until = sample.tick.saturating_add(RATE_TICKS);
            self.gap_ended = Some(sample.uptime);
        }
        if let Some(last) = self.last {
            let passed = sample.uptime.saturating_sub(last);
            // The next tick may be nearer to the interval's end than this one.
            if passed.saturating_add(sample.tick_span / 2) < interval {
                return Step::Wait;
            }
            self.passed = self.passed.saturating_add(if passed > gap { interval } else { passed });
        }
        self.last = Some(sample.uptime);
        let now = without_jitter(self.passed, interval);
        if sample.tick <= self.blind_until { Step::Blind(now) } else { Step::Evaluate(now) }
    }

    /// Returns the longest window that does not contain a gap; `None` if there was none.
    pub(crate) fn longest_window(&self, sample: &Sample) -> Option<Duration> {
        self.gap_ended.map(|ended| sample.uptime.saturating_sub(ended))
    }
}

/// Returns the nearest multiple of the interval if it is near, otherwise the time as it is.
fn without_jitter(time: Duration, interval: Duration) -> Duration {
    let slack = interval / JITTER;
    let length = interval.as_nanos().max(1);
    let over = Duration::from_nanos_u128(time.as_nanos() % length);
    let left = interval.saturating_sub(over);
    if over <= slack {
        time - over
    } else if left <= slack {
        time.saturating_add(left)
    } else {
        time
    }
}
