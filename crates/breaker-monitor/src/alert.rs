//! Alerts: one when a circuit goes beyond a threshold, one when it is back.
//!
//! They are decided where a tick is judged and never where a call is recorded.
//! What is beyond a threshold is compared with what was beyond it at the tick
//! before, by name: so a circuit that is dropped is back too, and one without
//! data has crossed nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics_core::{Counter, Timestamp, View};
use serde::Serialize;

use crate::reading::Reading;

/// One of the [`Thresholds`](crate::Thresholds) that can be crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// The share of calls that fail or time out.
    FailureRate,
    /// Failures in a row.
    ConsecutiveFailures,
    /// The mean time that a call takes, in seconds.
    AverageLatency,
}

impl Limit {
    pub(crate) const ALL: [Self; 3] =
        [Self::FailureRate, Self::ConsecutiveFailures, Self::AverageLatency];

    /// The label value, which is also the setting's name: such as `failure_rate`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FailureRate => "failure_rate",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::AverageLatency => "average_latency",
        }
    }
}

/// Which way a threshold was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Crossing {
    /// The circuit is beyond the threshold and was not at the tick before.
    Raised,
    /// It is beyond no more: better, without enough calls to tell, or dropped.
    Cleared,
}

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// The circuit's name.
    pub circuit: String,
    /// The threshold that was crossed.
    pub limit: Limit,
    /// Which way.
    pub crossing: Crossing,
    /// The value that was seen; `None` without data.
    pub observed: Option<f64>,
    /// The threshold, in the unit of [`Alert::limit`].
    pub threshold: f64,
    /// When the tick was sampled.
    pub at: Timestamp,
}

type Listener = Arc<dyn Fn(&Alert) + Send + Sync>;

/// What is beyond its threshold, and who wants to know.
pub(crate) struct Alerts {
    raised: Mutex<Raised>,
    listeners: Mutex<Vec<Listener>>,
    panics: Counter,
}

#[derive(Default)]
struct Raised {
    /// The uptime of the view that was compared last.
    as_of: Duration,
    /// The thresholds that were crossed, by the circuit's name.
    thresholds: BTreeMap<(Box<str>, Limit), f64>,
}

impl Alerts {
    pub(crate) fn new(panics: Counter) -> Self {
        Self { raised: Mutex::default(), listeners: Mutex::default(), panics }
    }

    pub(crate) fn listen(&self, listener: Listener) {
        lock(&self.listeners).push(listener);
    }

    /// Compares a view with the one before, and tells the listeners what changed.
    pub(crate) fn follow(&self, circuits: &[Reading<'_>], view: &View<'_>) {
        let alerts = lock(&self.raised).changes(circuits, view);
        if alerts.is_empty() {
            return;
        }
        // Not under a lock: a listener may come back to the monitor.
        let listeners = lock(&self.listeners).clone();
        for alert in &alerts {
            for listener in &listeners {
                if catch_unwind(AssertUnwindSafe(|| listener(alert))).is_err() {
                    self.panics.inc();
                }
            }
        }
    }
}

impl Raised {
    fn changes(&mut self, circuits: &[Reading<'_>], view: &View<'_>) -> Vec<Alert> {
        // An older view says nothing new.
        if view.uptime() < self.as_of {
            return Vec::new();
        }
        self.as_of = view.uptime();
        let mut alerts = Vec::new();
        let mut thresholds = BTreeMap::new();
        for circuit in circuits {
            for limit in Limit::ALL {
                let Some(exceeded) = circuit.exceeded(limit) else { continue };
                let key = (Box::from(circuit.name()), limit);
                if self.thresholds.remove(&key).is_none() {
                    circuit.cells.crossings[limit as usize].inc();
                    let observed = Some(exceeded.observed);
                    alerts.push(alert(&key, Crossing::Raised, observed, exceeded.threshold, view));
                }
                thresholds.insert(key, exceeded.threshold);
            }
        }
        for (key, threshold) in &self.thresholds {
            let circuit = circuits.iter().find(|circuit| *circuit.name() == *key.0);
            let observed = circuit.and_then(|circuit| circuit.observed(key.1));
            // As it is set now, which may be why it is crossed no more.
            let threshold = circuit.map_or(*threshold, |circuit| circuit.threshold(key.1));
            alerts.push(alert(key, Crossing::Cleared, observed, threshold, view));
        }
        self.thresholds = thresholds;
        alerts
    }
}

fn alert(
    (circuit, limit): &(Box<str>, Limit),
    crossing: Crossing,
    observed: Option<f64>,
    threshold: f64,
    view: &View<'_>,
) -> Alert {
    let (circuit, limit) = (circuit.to_string(), *limit);
    Alert { circuit, limit, crossing, observed, threshold, at: view.at() }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts")
            .field("raised", &lock(&self.raised).thresholds)
            .field("listeners", &lock(&self.listeners).len())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
