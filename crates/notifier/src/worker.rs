//! The delivery to one target: takes news from its queue, and tries until they are delivered.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use node0_metrics_core::{Alert, Clock};
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

/// The most refusals of parts of one batch: enough to find two alerts among [`MAX_ALERTS`]. A receiver
/// that refuses more refuses all.
///
/// [`MAX_ALERTS`]: crate::batch::MAX_ALERTS
const MAX_REFUSALS: u32 = 14;

#[derive(Debug)]
pub(crate) struct Worker {
    /// The name in metrics and logs, such as `webhook-2`, since two targets may be on one host.
    pub(crate) name: String,
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
        if batch.alerts().is_empty() {
            return;
        }
        // One bad alert gets all of its request refused. So what is refused is halved, until it
        // is alone and the others are through.
        let (mut parts, mut refusals) = (vec![batch.alerts()], 0);
        while let Some(alerts) = parts.pop() {
            let Err(error) = self.post(alerts).await else {
                self.metrics.count(Outcome::Delivered, alerts.len());
                alerts.iter().for_each(|alert| self.told.note(alert));
                continue;
            };
            refusals += u32::from(error.is_about_body());
            if error.is_about_body() && alerts.len() > 1 && refusals < MAX_REFUSALS {
                let (first, second) = alerts.split_at(alerts.len() / 2);
                parts.extend([second, first]);
            } else {
                self.give_up(alerts, &error);
            }
        }
    }

    /// Counts alerts that were not delivered, and says why.
    fn give_up(&self, alerts: &[Arc<Alert>], error: &AttemptError) {
        let outcome = if error.is_passing() { Outcome::Failed } else { Outcome::Refused };
        self.metrics.count(outcome, alerts.len());
        let [first, ..] = alerts else { return };
        let (target, receiver) = (self.name.clone(), self.target.to_string());
        let (alerts, first) = (alerts.len(), first.clone());
        let (error, cause) = (error.to_string(), error.causes());
        node0_log_relay::log(move || {
            tracing::warn!(
                target,
                %receiver,
                alerts,
                first = first.name,
                component = first.component,
                %error,
                cause,
                "alerts were not delivered"
            );
        });
    }

    async fn post(&self, alerts: &[Arc<Alert>]) -> Result<(), AttemptError> {
        let body = payload::write(self.target.kind, alerts, &self.settings.source)
            .map_err(AttemptError::Unwritten)?;
        self.attempts(body.into()).await
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
