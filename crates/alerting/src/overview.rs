//! What the engine knows after an evaluation, as plain data for surfaces.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use node0_metrics_core::{Alert, AlertState, Timestamp};

use crate::rule::Rule;
use crate::silence::Silence;

/// The last millisecond that RFC 3339 has a form for.
const YEAR_9999_ENDS: u64 = 253_402_300_799_999;

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
    /// The time that the evaluation took.
    pub took: Duration,
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
    /// What the rule names and the service does not have: a metric, a label or a monitor, with what to
    /// do. Until it comes, the rule cannot be judged.
    pub missing: Option<String>,
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

/// Writes a wall time as RFC 3339 in UTC with milliseconds, as Prometheus's interfaces have it.
///
/// ```
/// use node0_metrics_core::Timestamp;
///
/// let at = Timestamp::from_millis(1_577_836_800_250);
/// assert_eq!(node0_alerting::rfc3339(at), "2020-01-01T00:00:00.250Z");
/// ```
pub fn rfc3339(at: Timestamp) -> String {
    let millis = at.as_millis().min(YEAR_9999_ENDS);
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_millis(at).to_string()
}
