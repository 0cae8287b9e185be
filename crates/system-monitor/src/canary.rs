//! A task that only sleeps, to measure how late the runtime wakes it.
//!
//! Its lag is that of other sleeping tasks of the runtime. When it is 200 ms late, all workers
//! were blocked for so long; or one worker was that had watched the timers and sockets before.
//! For tokio lets idle workers sleep on while the one that they were woken by runs a task, so
//! a single blocked worker can hold up a runtime of many. One canary is enough for a runtime of
//! any size: the worker that watches the timers wakes it, and one worker at a time does that.
//!
//! The task holds what it measures weakly, so it keeps neither series nor registry alive, and
//! ends at its next wake-up if nobody ends it sooner.

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
    /// When it is to wake, in nanoseconds of the clock's uptime.
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

    /// The time since the wake-up that is due; zero while that is what a timer takes.
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
    /// While it was late it missed wake-ups. A task that was due at one of them waited for the
    /// rest of that time, so they are recorded too: of 20 ms of sleep and 65 ms of lag come 65,
    /// 45 and 25. Otherwise a second without a wake-up would count as little as a fiftieth of
    /// one with.
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
