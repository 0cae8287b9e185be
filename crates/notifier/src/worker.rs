//! The delivery to one target: takes news from its queue, and tries until they are delivered.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use metrics_core::{Alert, Clock};
use tokio::sync::mpsc::Receiver;

use crate::batch::{Batch, Told};
use crate::client::{AttemptError, Client};
use crate::metrics::{Metrics, Outcome};
use crate::payload;
use crate::target::{Kind, Target};

/// Settings that all targets share.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) attempts: usize,
    pub(crate) first_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) gather: Duration,
    pub(crate) queue: usize,
    /// The address that a receiver shows as the source of an alert.
    pub(crate) source: String,
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) target: Target,
    pub(crate) queue: Receiver<Arc<Alert>>,
    pub(crate) client: Client,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) told: Told,
}

impl Worker {
    /// Delivers until the queue is closed.
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            // What an evaluation found comes one by one, and travels together.
            tokio::time::sleep(self.settings.gather).await;
            let mut batch = Batch::default();
            batch.add(first);
            while !batch.is_full()
                && let Ok(alert) = self.queue.try_recv()
            {
                batch.add(alert);
            }
            self.deliver(batch).await;
        }
    }

    async fn deliver(&mut self, mut batch: Batch) {
        if self.target.kind == Kind::Webhook {
            batch.retain(|alert| !self.told.has(alert));
        }
        let alerts = batch.alerts();
        if alerts.is_empty() {
            return;
        }
        let Some(body) = payload::write(self.target.kind, alerts, &self.settings.source) else {
            return self.metrics.count(Outcome::Failed, alerts.len());
        };
        match self.attempts(body.into()).await {
            Ok(()) => {
                self.metrics.count(Outcome::Delivered, alerts.len());
                alerts.iter().for_each(|alert| self.told.note(alert));
            }
            Err(error) => {
                let outcome = if error.is_passing() { Outcome::Failed } else { Outcome::Refused };
                self.metrics.count(outcome, alerts.len());
                let (target, alerts) = (&self.target, alerts.len());
                let cause = error.causes();
                tracing::warn!(%target, alerts, %error, cause, "alerts were not delivered");
            }
        }
    }

    /// Posts a body, again and again while that may help.
    async fn attempts(&self, body: Bytes) -> Result<(), AttemptError> {
        let delays = ExponentialBuilder::new()
            .with_min_delay(self.settings.first_delay)
            .with_max_delay(self.settings.max_delay)
            .with_max_times(self.settings.attempts.saturating_sub(1))
            .with_jitter();
        let attempt = || async {
            let start = self.clock.now();
            let result = self.client.post(&self.target, body.clone()).await;
            self.metrics.duration.record(self.clock.since(start));
            result
        };
        attempt
            .retry(delays)
            .sleep(tokio::time::sleep)
            .when(AttemptError::is_passing)
            .notify(|_, _| self.metrics.retries.inc())
            .await
    }
}
