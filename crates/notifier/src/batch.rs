//! The alerts of one request, and what a webhook was told already.

use std::collections::HashMap;
use std::sync::Arc;

use node0_metrics_core::{Alert, AlertState, Timestamp};

/// The most alerts of one request.
pub(crate) const MAX_ALERTS: usize = 64;
/// The most alerts whose last state is remembered.
const MAX_TOLD: usize = 10_000;

/// Alerts that travel together: of each the newest state only.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    alerts: Vec<Arc<Alert>>,
}

impl Batch {
    pub(crate) fn add(&mut self, alert: Arc<Alert>) {
        match self.alerts.iter_mut().find(|known| known.id == alert.id) {
            Some(known) => *known = alert,
            None => self.alerts.push(alert),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.alerts.len() >= MAX_ALERTS
    }

    pub(crate) fn alerts(&self) -> &[Arc<Alert>] {
        &self.alerts
    }

    /// Leaves out the alerts for which this is false.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&Alert) -> bool) {
        self.alerts.retain(|alert| is_wanted(alert));
    }
}

/// The last state of each alert that a webhook was told.
///
/// Alerts are repeated each minute, for receivers that forget. A webhook does not forget, so it
/// gets a repetition only if what it says was never delivered.
#[derive(Debug, Default)]
pub(crate) struct Told {
    states: HashMap<String, (AlertState, Option<Timestamp>)>,
}

impl Told {
    pub(crate) fn has(&self, alert: &Alert) -> bool {
        self.states.get(&alert.id) == Some(&(alert.state, alert.starts_at))
    }

    pub(crate) fn note(&mut self, alert: &Alert) {
        if self.states.len() >= MAX_TOLD {
            // A firing alert that is forgotten is told once more, which does little harm.
            self.states.retain(|_, (state, _)| *state == AlertState::Firing);
            if self.states.len() >= MAX_TOLD {
                self.states.clear();
            }
        }
        self.states.insert(alert.id.clone(), (alert.state, alert.starts_at));
    }
}
