//! The alerts of a monitoring, their settings, and their delivery.

use node0_alerting::{AlertingBuilder, Alerts};
use node0_metrics_core::Registry;
#[cfg(feature = "notify")]
use node0_notifier::{Notifier, NotifierBuilder};

use super::{BuildError, Monitoring, MonitoringBuilder};

/// The rules of the alerts, and who is told of them.
#[derive(Clone, Debug)]
pub(super) struct AlertSettings {
    rules: AlertingBuilder,
    #[cfg(feature = "notify")]
    notifier: Option<NotifierBuilder>,
}

/// The alerts of a registry, with their delivery.
#[derive(Debug)]
pub(super) struct WatchedAlerts {
    alerts: Alerts,
    /// Delivers as long as it lives.
    #[cfg(feature = "notify")]
    _notifier: Option<Notifier>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            rules: Alerts::builder(),
            #[cfg(feature = "notify")]
            notifier: None,
        }
    }
}

impl AlertSettings {
    pub(super) fn register(self, registry: &Registry) -> Result<WatchedAlerts, BuildError> {
        Ok(WatchedAlerts {
            alerts: self.rules.register(registry)?,
            #[cfg(feature = "notify")]
            _notifier: self.notifier.map(|notifier| notifier.start(registry)).transpose()?,
        })
    }
}

impl MonitoringBuilder {
    /// Changes the alert rules and their settings; by default the [built-in rules](crate::alerts::built_in).
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::alerts::{Metric, Rule};
    /// use std::time::Duration;
    ///
    /// let long_queue = Rule::new("QueueTooLong", Metric::new("queue_length").above(100.0))
    ///     .lasting(Duration::from_secs(60))
    ///     .summary("{value} jobs wait");
    /// let monitoring = Monitoring::builder()
    ///     .alerting(|alerts| {
    ///         alerts.edit("HighP95Latency", |rule| rule.threshold(0.5)).rule(long_queue)
    ///     })
    ///     .build()?;
    /// assert!(monitoring.alerts().overview().active.is_empty());
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    pub fn alerting(mut self, settings: impl FnOnce(AlertingBuilder) -> AlertingBuilder) -> Self {
        self.alerts.rules = settings(self.alerts.rules);
        self
    }

    /// Delivers alerts to Alertmanager or webhooks, until the last clone of the monitoring is dropped.
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::notifier::{Notifier, Target};
    ///
    /// let alertmanager = Target::alertmanager("http://alertmanager:9093")?;
    /// let notifier = Notifier::builder().target(alertmanager);
    /// let monitoring = Monitoring::builder().notify(notifier).build()?;
    /// # drop(monitoring);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "notify")]
    pub fn notify(mut self, notifier: node0_notifier::NotifierBuilder) -> Self {
        self.alerts.notifier = Some(notifier);
        self
    }
}

impl Monitoring {
    /// Returns the alerts: what is wrong, the rules, and silences.
    pub fn alerts(&self) -> &Alerts {
        &self.inner.alerts.alerts
    }
}
