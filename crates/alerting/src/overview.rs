//! What the engine knows after an evaluation, as plain data for surfaces.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Alert, AlertState, Timestamp};

use crate::rule::Rule;
use crate::silence::Silence;

/// All alerts, silences and rules after one evaluation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overview {
    /// The wall time of the evaluation; `None` before the first.
    pub at: Option<Timestamp>,
    /// The pending and firing alerts: firing ones first, of those the critical ones.
    pub active: Vec<Arc<Alert>>,
    /// The alerts that were resolved last, newest first; at most a hundred.
    pub recent: Vec<Arc<Alert>>,
    /// The silences that have not ended.
    pub silences: Vec<Arc<Silence>>,
    /// The rules with their alerts.
    pub rules: Vec<RuleStatus>,
    /// The time between evaluations.
    pub interval: Duration,
}

/// A rule and its active alerts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuleStatus {
    /// The rule as it was written.
    pub rule: Arc<Rule>,
    /// Its `for`, shortened if a [longest wait](crate::AlertingBuilder::longest_wait) is set.
    pub lasting: Duration,
    /// Its hold time, shortened in the same way.
    pub keep_firing_for: Duration,
    /// Its pending and firing alerts.
    pub alerts: Vec<Arc<Alert>>,
    /// The number of alerts that were left out because the rule has its maximum.
    pub left_out: usize,
}

impl RuleStatus {
    /// Returns the worst state of its alerts; `None` if there is none, as Prometheus's `inactive`.
    pub fn state(&self) -> Option<AlertState> {
        let states = || self.alerts.iter().map(|alert| alert.state);
        states().find(|state| *state == AlertState::Firing).or_else(|| states().next())
    }
}

impl Overview {
    /// Returns the active alerts that are not announced or not resolved yet, with the reason.
    pub fn held_back(&self) -> impl Iterator<Item = &Arc<Alert>> {
        self.active.iter().filter(|alert| !alert.held_back.is_empty())
    }
}
