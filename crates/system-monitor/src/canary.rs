//! A task that only sleeps, to measure how late the runtime wakes it.
//!
//! Other sleeping tasks of the runtime are woken as late as this one. A lag of 200 ms means that
//! all workers were blocked for so long, or that a single one was: the worker that watches the
//! timers and sockets. While that worker runs a task, tokio may let the idle ones sleep on. One
//! canary is enough for a runtime of any size, since one worker at a time watches the timers.
//!
//! The task holds the canary and the monitor weakly. So it keeps neither series nor registry
//! alive, and ends at its next wake-up after one of them is gone.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics_core::{Clock, Latency};

use crate::watch::System;

/// The most wake-ups that are recorded for one stall.
const MOST_MISSED: u32 = 1000;

/// The lag of one runtime, as its canary measures it.
#[derive(Debug)]
pub(crate) struct Canary {
    pub(crate) clock: Clock,
    /// The time for which it sleeps.
    interval: Duration,
    pub(crate) lag: Latency,
    /// The time of its next wake-up, in nanoseconds of the clock's uptime.
    due: AtomicU64,
}

impl Canary {
    /// A canary that is due after an interval, also if the runtime never runs its task.
    pub(crate) fn new(clock: Clock, interval: Duration, lag: Latency) -> Self {
        let canary = Self { clock, interval, lag, due: AtomicU64::new(0) };
        canary.fall_asleep();
        canary
    }

    /// Sleeps and wakes until the runtime is watched no more, or the registry is gone.
    pub(crate) async fn run(canary: Weak<Self>, system: Weak<System>) {
        let watched = || canary.upgrade().filter(|_| system.strong_count() > 0);
        while let Some(interval) = watched().map(|canary| canary.fall_asleep()) {
            tokio::time::sleep(interval).await;
            if let Some(canary) = watched() {
                canary.wake_up();
            }
        }
    }

    /// The delay of the wake-up that has not come yet; zero below an interval, which timers take.
    pub(crate) fn overdue(&self) -> Duration {
        let late = self.late();
        if late < self.interval { Duration::ZERO } else { late }
    }

    /// Notes that it sleeps from now on, and returns for how long.
    fn fall_asleep(&self) -> Duration {
        let due = self.clock.uptime() + self.interval;
        self.due.store(u64::try_from(due.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.interval
    }

    /// Records how late it woke.
    ///
    /// A task that was due within the lag waited for the rest of it, so the wake-ups that the
    /// canary missed are recorded too: a lag of 65 ms at an interval of 20 ms as 65, 45 and 25.
    /// Otherwise a stall of a second would weigh as little as a single wake-up in time, of
    /// which a second without a stall has fifty.
    fn wake_up(&self) {
        let late = self.late();
        self.lag.record(late);
        let step = self.interval.max(late / MOST_MISSED);
        let mut rest = late.saturating_sub(step);
        while rest >= step {
            self.lag.record(rest);
            rest = rest.saturating_sub(step);
        }
    }

    /// The time since the wake-up was due.
    fn late(&self) -> Duration {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        self.clock.uptime().saturating_sub(due)
    }
}
