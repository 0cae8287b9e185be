//! What became of the notifications.

use node0_metrics_core::{
    ByLabel, Counter, Desc, Latency, RegisterError, Registry, descs, label_set,
};

descs! {
    /// The alerts by the outcome of their delivery.
    pub const NOTIFICATIONS: Desc = Desc::counter(
        "node0_notifications_total",
        "News of alerts by target and outcome: delivered, refused by the receiver, failed after all attempts, or dropped because the queue was full.",
    )
    .labels(&["target", "outcome"]);

    /// The attempts after the first.
    pub const NOTIFICATION_RETRIES: Desc = Desc::counter(
        "node0_notification_retries_total",
        "Attempts to deliver alerts after the first of each request.",
    )
    .labels(&["target"]);

    /// The times of the attempts.
    pub const NOTIFICATION_DURATION: Desc = Desc::latency(
        "node0_notification_duration_seconds",
        "Time of each attempt to deliver alerts, however it ended.",
    )
    .labels(&["target"]);
}

label_set! {
    /// What became of a notification.
    pub(crate) enum Outcome {
        Delivered = "delivered",
        Refused = "refused",
        Failed = "failed",
        Dropped = "dropped",
    }
}

/// The metrics of one target.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    outcomes: ByLabel<Outcome, Counter>,
    pub(crate) retries: Counter,
    pub(crate) duration: Latency,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry, target: &str) -> Result<Self, RegisterError> {
        Ok(Self {
            outcomes: registry.instrument(&NOTIFICATIONS, &[target])?,
            retries: registry.counter(&NOTIFICATION_RETRIES, &[target])?,
            duration: registry.latency(&NOTIFICATION_DURATION, &[target])?,
        })
    }

    pub(crate) fn count(&self, outcome: Outcome, alerts: usize) {
        self.outcomes[outcome].add(alerts as u64);
    }
}
