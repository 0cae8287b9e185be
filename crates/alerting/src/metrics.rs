//! The metrics about the alerts themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use node0_metrics_core::{
    AlertCause, AlertChange, AlertState, ByLabel, Counter, Desc, Gauge, Labelled, RegisterError,
    Registry, Severity, descs, label_set, lock,
};

use crate::overview::Overview;

descs! {
    /// The active alerts.
    pub const ALERTS: Desc = Desc::gauge(
        "node0_alerts",
        "Active alerts by name, state (pending or firing) and severity.",
    )
    .labels(&["alertname", "state", "severity"]);

    /// The alerts that were left out at the cap of their rule.
    pub const ALERTS_LEFT_OUT: Desc = Desc::gauge(
        "node0_alerts_left_out",
        "Alerts that are not followed because their rule has its maximum of active alerts.",
    )
    .labels(&["alertname"]);

    /// The news of alerts that were sent to listeners.
    pub const ALERT_NEWS: Desc = Desc::counter(
        "node0_alert_news_total",
        "News of alerts that were sent to listeners: fired, resolved, or repeated.",
    )
    .labels(&["cause"]);

    /// The reloads of the rules.
    pub const RULE_RELOADS: Desc = Desc::counter(
        "node0_alert_rule_reloads_total",
        "Reloads of the rules: replaced, or refused because of a mistake in them.",
    )
    .labels(&["outcome"]);
}

label_set! {
    /// The outcome of a reload.
    pub(crate) enum Reload {
        /// The new rules are in effect.
        Replaced = "replaced",
        /// The rules before stay in effect.
        Refused = "refused",
    }
}

label_set! {
    /// A kind of news, as counted.
    pub(crate) enum News {
        Fired = "fired",
        Resolved = "resolved",
        Repeated = "repeated",
    }
}

/// The handles of these metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    active: Labelled<Gauge, 3>,
    left_out: Labelled<Gauge, 1>,
    news: ByLabel<News, Counter>,
    pub(crate) reloads: ByLabel<Reload, Counter>,
    /// The labels of the gauges that are not zero.
    shown: Mutex<BTreeSet<(String, State, Severity)>>,
}

label_set! {
    /// The state of an active alert.
    enum State {
        Pending = "pending",
        Firing = "firing",
    }
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            active: registry.gauges(&ALERTS)?,
            left_out: registry.gauges(&ALERTS_LEFT_OUT)?,
            news: registry.instrument(&ALERT_NEWS, &[])?,
            reloads: registry.instrument(&RULE_RELOADS, &[])?,
            shown: Mutex::default(),
        })
    }

    /// Counts the news, and shows the active alerts.
    pub(crate) fn show(&self, overview: &Overview, changes: &[AlertChange]) {
        for change in changes {
            let news = match change.cause {
                AlertCause::Fired => News::Fired,
                AlertCause::Resolved => News::Resolved,
                AlertCause::Repeated => News::Repeated,
            };
            self.news[news].inc();
        }
        let mut counts: BTreeMap<(String, State, Severity), u32> = BTreeMap::new();
        for alert in &overview.active {
            let state = match alert.state {
                AlertState::Firing => State::Firing,
                _ => State::Pending,
            };
            *counts.entry((alert.name.clone(), state, alert.severity)).or_default() += 1;
        }
        let mut shown = lock(&self.shown);
        // Those that were shown before and are no more are zero now.
        shown.extend(counts.keys().cloned());
        for key @ (name, state, severity) in shown.iter() {
            let count = counts.get(key).copied().unwrap_or_default();
            let labels = [name, state.label(), severity.word()];
            self.active.with(labels, |gauge| gauge.set(f64::from(count)));
        }
        shown.retain(|key| counts.contains_key(key));
        for status in &overview.rules {
            self.left_out.with([&status.rule.name], |gauge| gauge.set(status.left_out as f64));
        }
    }
}
