//! The metrics about sampling that the core cannot know.

use node0_metrics_core::{Counter, Desc, Registry, descs};

descs! {
    /// The log messages that nobody can read.
    pub const LOG_MESSAGES_LOST: Desc = Desc::counter(
        "node0_log_messages_lost_total",
        "Messages of node0 that the log did not take: it hung or was too slow, or its subscriber panicked.",
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
    /// The lost messages that are counted already.
    known_lost: u64,
}

impl Metrics {
    /// Registers the counters; without a place for them in the registry, nothing is counted.
    pub(crate) fn new(registry: &Registry) -> Self {
        let counter = |desc| registry.counter(desc, &[]).unwrap_or(Counter::disabled());
        Self { panics: counter(&SAMPLING_PANICS), lost: counter(&LOG_MESSAGES_LOST), known_lost: 0 }
    }

    /// Counts what the log has lost since the last call, whichever registry the messages are of.
    pub(crate) fn count_lost_messages(&mut self) {
        let lost = node0_log_relay::lost();
        self.lost.add(lost - self.known_lost);
        self.known_lost = lost;
    }
}
