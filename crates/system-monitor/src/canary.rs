//! The canary: a task that only sleeps, to measure the delay of its wake-ups.
//!
//! Other sleeping tasks of the runtime are woken as late as this one. A lag of 200 ms means that
//! all workers were blocked for that time, or the one worker that polls timers and sockets: while
//! it runs a task, tokio may leave idle workers asleep. One canary is enough for a runtime of any
//! size, since one worker at a time polls the timers.
//!
//! The task has only weak references to the canary and the monitor. So it keeps neither series
//! nor registry alive, and ends at its next wake-up after one of them is dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use node0_metrics_core::{Clock, Latency};

use crate::pulse::Pulse;
use crate::watch::System;

/// The most wake-ups that are recorded for one stall.
const MOST_MISSED: u32 = 1000;

/// The lag of one runtime, as its canary measures it.
#[derive(Debug)]
pub(crate) struct Canary {
    pub(crate) clock: Clock,
    /// The time that it sleeps.
    interval: Duration,
    pub(crate) lag: Latency,
    pulse: Arc<Pulse>,
    /// The time of its next wake-up, in nanoseconds of the clock's uptime.
    due: AtomicU64,
}

impl Canary {
    /// A canary that is due after an interval, also if the runtime never runs its task.
    pub(crate) fn new(clock: Clock, interval: Duration, lag: Latency, pulse: Arc<Pulse>) -> Self {
        let canary = Self { clock, interval, lag, pulse, due: AtomicU64::new(0) };
        canary.fall_asleep();
        canary
    }

    /// Sleeps and wakes until the runtime is no longer watched, or the registry is dropped.
    pub(crate) async fn run(canary: Weak<Self>, system: Weak<System>) {
        let watched = || canary.upgrade().filter(|_| system.strong_count() > 0);
        while let Some(interval) = watched().map(|canary| canary.fall_asleep()) {
            tokio::time::sleep(interval).await;
            if let Some(canary) = watched() {
                canary.wake_up();
            }
        }
    }

    /// Returns the delay so far of the next wake-up; zero below an interval, which timers may take.
    pub(crate) fn overdue(&self) -> Duration {
        let due = self.due();
        let late = self.since(due).saturating_sub(self.pulse.paused_since(due));
        if late < self.interval { Duration::ZERO } else { late }
    }

    /// Sets the time of the next wake-up, and returns the time to sleep.
    fn fall_asleep(&self) -> Duration {
        let due = self.clock.uptime() + self.interval;
        self.due.store(u64::try_from(due.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.interval
    }

    /// Records the lag of a wake-up.
    ///
    /// Wake-ups that the canary missed are recorded too: a lag of 65 ms at an interval of 20 ms is
    /// recorded as 65, 45 and 25 ms. Otherwise a stall of a second would count as one sample, while
    /// a second without a stall counts as fifty. A pause of the whole process is no lag.
    fn wake_up(&self) {
        let due = self.due();
        let late = self.since(due).saturating_sub(self.pulse.record_since(due));
        self.lag.record(late);
        let step = self.interval.max(late / MOST_MISSED);
        let mut rest = late.saturating_sub(step);
        while rest >= step {
            self.lag.record(rest);
            rest = rest.saturating_sub(step);
        }
    }

    /// The time at which the canary was to wake up.
    fn due(&self) -> Duration {
        Duration::from_nanos(self.due.load(Ordering::Relaxed))
    }

    fn since(&self, due: Duration) -> Duration {
        self.clock.uptime().saturating_sub(due)
    }
}
