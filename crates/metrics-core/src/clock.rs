//! Clocks: the only code of the crate that reads time.
//!
//! Two reads of the system clock cost more than the rest of a latency record,
//! so the default clock reads the cycle counter, which is calibrated once per
//! process, and converts only differences. Differences saturate at zero:
//! a thread may move to a core whose counter is some cycles behind.
//!
//! The counter may also step back for good, as when a virtual machine is moved to another host. Spans
//! that are under way then have no length, and all later ones are right. Uptime, by which ticks are due,
//! is read from the system's clock, so that sampling goes on.
//!
//! Tests and simulations control time with a [`ManualClock`]. Wall time is
//! separate from monotonic time and only labels samples: setting the system
//! clock changes no window and no rate.
#![expect(
    clippy::disallowed_methods,
    reason = "this module is the clock that everything else must ask"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// A source of monotonic and wall time; cheap to clone.
///
/// ```
/// use node0_metrics_core::ManualClock;
/// use std::time::Duration;
///
/// let manual = ManualClock::new();
/// let clock = manual.clock();
/// let start = clock.now();
/// manual.advance(Duration::from_millis(20));
/// assert_eq!(clock.since(start), Duration::from_millis(20));
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    /// The time at which the clock was made. It is no part of the source, of which each record reads
    /// the kind.
    origin: Instant,
}

#[derive(Clone, Debug)]
enum Source {
    Tsc(quanta::Clock),
    Std,
    Manual(ManualClock),
}

/// A monotonic time, only meaningful to the [`Clock`] that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(u64);

impl Clock {
    /// Reads the processor's cycle counter where it is usable, else the system's monotonic clock.
    ///
    /// The first call in a process blocks for up to 200 ms to calibrate; call it at start-up.
    pub fn tsc() -> Self {
        Self::of(Source::Tsc(quanta::Clock::new()))
    }

    /// Reads the system's monotonic clock: no calibration, about 25 ns a reading.
    pub fn std() -> Self {
        Self::of(Source::Std)
    }

    fn of(source: Source) -> Self {
        Self { source, origin: Instant::now() }
    }

    /// The current monotonic reading.
    #[inline]
    pub fn now(&self) -> Moment {
        Moment(match &self.source {
            Source::Tsc(clock) => clock.raw(),
            Source::Std => saturate(self.origin.elapsed()),
            Source::Manual(manual) => manual.0.monotonic.load(Ordering::Relaxed),
        })
    }

    /// The nanoseconds from `start` to now, zero if the clock seems to have gone back.
    #[inline]
    pub(crate) fn nanos_since(&self, start: Moment) -> u64 {
        self.nanos_between(start, self.now())
    }

    /// The nanoseconds from `start` to `end`, for [`Latency::record_nanos`](crate::Latency::record_nanos).
    ///
    /// Zero if the clock seems to have gone back.
    #[inline]
    pub fn nanos_between(&self, start: Moment, end: Moment) -> u64 {
        match &self.source {
            Source::Tsc(clock) if end.0 > start.0 => clock.delta_as_nanos(start.0, end.0),
            Source::Tsc(_) => 0,
            _ => end.0.saturating_sub(start.0),
        }
    }

    /// The time from `start` to now, zero if the clock seems to have gone back.
    #[inline]
    pub fn since(&self, start: Moment) -> Duration {
        Duration::from_nanos(self.nanos_since(start))
    }

    /// The time from `start` to `end`, zero if the clock seems to have gone back.
    ///
    /// For consecutive spans: if each moment is read once and shared by two spans,
    /// the spans add up to the whole.
    #[inline]
    pub fn between(&self, start: Moment, end: Moment) -> Duration {
        Duration::from_nanos(self.nanos_between(start, end))
    }

    /// The time since this clock was made, which never goes back.
    pub fn uptime(&self) -> Duration {
        match &self.source {
            Source::Tsc(_) | Source::Std => self.origin.elapsed(),
            Source::Manual(manual) => manual.0.uptime(),
        }
    }

    /// The wall time, for labels on samples and messages.
    pub fn wall(&self) -> Timestamp {
        match &self.source {
            Source::Manual(manual) => Timestamp(manual.0.wall.load(Ordering::Relaxed)),
            _ => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
            }
        }
    }
}

fn saturate(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A wall time in whole milliseconds since the Unix epoch, as in every JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// A clock that moves only when a test advances it; clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    monotonic: AtomicU64,
    /// The nanoseconds by which the monotonic time was stepped back, which uptime still has.
    back: AtomicU64,
    wall: AtomicU64,
}

impl ManualClock {
    /// A clock at uptime zero whose wall time is 2020-01-01T00:00:00Z.
    #[expect(clippy::new_without_default, reason = "a default clock would suggest real time")]
    pub fn new() -> Self {
        Self(Arc::new(Hands {
            monotonic: AtomicU64::new(0),
            back: AtomicU64::new(0),
            wall: AtomicU64::new(1_577_836_800_000),
        }))
    }

    /// The [`Clock`] that reads this time.
    pub fn clock(&self) -> Clock {
        Clock::of(Source::Manual(self.clone()))
    }

    /// Moves both the monotonic and the wall time forward.
    pub fn advance(&self, by: Duration) {
        self.0.monotonic.fetch_add(saturate(by), Ordering::Relaxed);
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.wall.fetch_add(millis, Ordering::Relaxed);
    }

    /// Steps back what [`Clock::now`] reads, as the cycle counter does when a virtual machine is moved;
    /// uptime and wall time stay. It goes back to the start at most.
    pub fn step_back(&self, by: Duration) {
        let by = saturate(by).min(self.0.monotonic.load(Ordering::Relaxed));
        self.0.monotonic.fetch_sub(by, Ordering::Relaxed);
        self.0.back.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets the wall time alone, as an operator or a time server would.
    pub fn set_wall(&self, to: Timestamp) {
        self.0.wall.store(to.as_millis(), Ordering::Relaxed);
    }
}

impl Hands {
    fn uptime(&self) -> Duration {
        let back = self.back.load(Ordering::Relaxed);
        Duration::from_nanos(self.monotonic.load(Ordering::Relaxed).saturating_add(back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn ticks_go_on_after_the_cycle_counter_stepped_back() {
        let (cycles, mock) = quanta::Clock::mock();
        mock.increment(Duration::from_secs(3600));
        let clock = Clock::of(Source::Tsc(cycles));
        let registry = Registry::builder().clock(clock.clone()).build();
        let mut ticker = registry.ticker().expect("nobody else ticks");
        let (begun, before) = (clock.now(), ticker.tick().sample.uptime);
        mock.decrement(Duration::from_secs(3000));
        let sample = ticker.tick().sample;
        assert!(sample.uptime > before && sample.tick_span > Duration::ZERO, "{sample:?}");
        assert_eq!(clock.since(begun), Duration::ZERO, "the span that was under way");
        let later = clock.now();
        mock.increment(Duration::from_millis(5));
        assert_eq!(clock.since(later), Duration::from_millis(5));
    }
}
