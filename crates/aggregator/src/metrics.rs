//! The metrics about sampling that the core cannot know.

use node0_metrics_core::{Clock, Counter, Desc, Moment, Registry, descs};

descs! {
    /// The log messages that nobody can read.
    pub const LOG_MESSAGES_LOST: Desc = Desc::counter(
        "node0_log_messages_lost_total",
        "Messages of node0 that the log did not take: it hung or was too slow, or its subscriber panicked.",
    );

    /// The times that the clock of durations went back.
    pub const CLOCK_STEPS: Desc = Desc::counter(
        "node0_clock_steps_back_total",
        "Times that the cycle counter went back, as when a virtual machine is moved; what was being measured is recorded as zero, and ticks go on.",
    );

    /// The panics after which sampling went on.
    pub const SAMPLING_PANICS: Desc = Desc::counter(
        "node0_sampling_panics_total",
        "Panics that reached the sampling thread, such as that of a waker of a subscriber; it goes on at the next tick.",
    );
}

/// The counters of one sampler.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) panics: Counter,
    lost: Counter,
    clock_steps: Counter,
    /// The reading of the clock at the last step.
    last_moment: Moment,
    /// The lost messages that are counted already.
    known_lost: u64,
}

impl Metrics {
    /// Registers the counters; without a place for them in the registry, nothing is counted.
    pub(crate) fn new(registry: &Registry) -> Self {
        let counter = |desc| registry.counter(desc, &[]).unwrap_or(Counter::disabled());
        Self {
            panics: counter(&SAMPLING_PANICS),
            lost: counter(&LOG_MESSAGES_LOST),
            clock_steps: counter(&CLOCK_STEPS),
            last_moment: registry.clock().now(),
            known_lost: 0,
        }
    }

    /// Counts a clock that reads less than at the last call.
    pub(crate) fn count_clock_steps(&mut self, clock: &Clock) {
        let now = clock.now();
        // The time from now to then is more than nothing only if then seems to be later.
        if clock.nanos_between(now, self.last_moment) > 0 {
            self.clock_steps.inc();
        }
        self.last_moment = now;
    }

    /// Counts what the log has lost since the last call, whichever registry the messages are of.
    pub(crate) fn count_lost_messages(&mut self) {
        let lost = node0_log_relay::lost();
        self.lost.add(lost - self.known_lost);
        self.known_lost = lost;
    }
}
