//! The monitors of a registry, and what is believed of their topics.
//!
//! Judging runs code of others, so it holds no lock that a reader needs, and a
//! judgement that panics becomes an unknown.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::judging::event::HealthChange;
use crate::judging::health::{Assessment, Hysteresis, Overall, TopicHealth};
use crate::judging::monitor::Monitor;
use crate::naming::desc::Desc;
use crate::reading::sample::View;
use crate::reading::snapshot::{Snapshot, Value};
use crate::recording::families::RegisterError;
use crate::recording::gauge::Gauge;
use crate::sync::{Mutex, lock};

/// The score over all topics.
pub const HEALTH_SCORE: Desc = Desc::gauge(
    "node0_health_score",
    "Health over all components from 0 to 100: the weighted mean of those with data, capped by the worst required one.",
);

/// The score of one topic.
pub const COMPONENT_HEALTH_SCORE: Desc = Desc::gauge(
    "node0_component_health_score",
    "Health of one component from 0 to 100; NaN without data.",
)
.labels(&["component"]);

#[derive(Debug)]
pub(crate) struct HealthBoard {
    watched: Mutex<Watched>,
    believed: Mutex<Vec<TopicHealth>>,
    hysteresis: Hysteresis,
}

struct Watched {
    monitors: Arc<[Arc<dyn Monitor>]>,
    /// A gauge for each monitor.
    scores: Vec<Gauge>,
    overall: Gauge,
}

impl HealthBoard {
    pub(crate) fn new(hysteresis: Hysteresis) -> Self {
        let watched =
            Watched { monitors: Arc::new([]), scores: Vec::new(), overall: Gauge::disabled() };
        Self { watched: Mutex::new(watched), believed: Mutex::default(), hysteresis }
    }

    pub(crate) fn set_overall(&self, gauge: Gauge) {
        gauge.set(f64::NAN);
        lock(&self.watched).overall = gauge;
    }

    pub(crate) fn add(&self, monitor: Arc<dyn Monitor>, score: Gauge) -> Result<(), RegisterError> {
        let mut watched = lock(&self.watched);
        let topic = monitor.topic().name;
        if watched.monitors.iter().any(|other| other.topic().name == topic) {
            return Err(RegisterError::DuplicateTopic { topic });
        }
        score.set(f64::NAN);
        watched.scores.push(score);
        watched.monitors = watched.monitors.iter().cloned().chain([monitor]).collect();
        Ok(())
    }

    pub(crate) fn monitors(&self) -> Arc<[Arc<dyn Monitor>]> {
        lock(&self.watched).monitors.clone()
    }

    /// Polls the monitors, for a registry without a ticker; one that panics is passed over.
    pub(crate) fn poll(&self) {
        for monitor in self.monitors().iter() {
            let _ = catch_unwind(AssertUnwindSafe(|| monitor.poll()));
        }
    }

    /// What is believed now.
    pub(crate) fn believed(&self) -> Vec<TopicHealth> {
        lock(&self.believed).clone()
    }

    /// Judges a view and returns the changes that are believed from now on.
    pub(crate) fn judge(&self, view: &View<'_>) -> Vec<HealthChange> {
        let monitors = self.monitors();
        let judgements: Vec<Assessment> = monitors
            .iter()
            .map(|monitor| {
                catch_unwind(AssertUnwindSafe(|| monitor.assess(view)))
                    .unwrap_or_else(|_| Assessment::unknown("the monitor panicked while judging"))
            })
            .collect();
        let mut believed = lock(&self.believed);
        let mut changes = Vec::new();
        for (at, (monitor, judgement)) in monitors.iter().zip(judgements).enumerate() {
            let topic = monitor.topic();
            let Some(health) = believed.get_mut(at) else {
                believed.push(TopicHealth::first(topic, judgement));
                continue;
            };
            if let Some(from) = health.update(judgement, view.uptime(), self.hysteresis) {
                let Assessment { status: to, summary, .. } = &health.assessment;
                let (to, summary) = (*to, summary.to_string());
                changes.push(HealthChange { topic, from, to, summary, at: view.at() });
            }
        }
        changes
    }

    /// Writes the believed scores into their gauges, and into the snapshot that they were judged from.
    pub(crate) fn show(&self, topics: &[TopicHealth], snapshot: &mut Snapshot) {
        let watched = lock(&self.watched);
        let scores = topics.iter().map(|health| health.assessment.score);
        let all = watched.scores.iter().zip(scores);
        for (gauge, score) in all.chain([(&watched.overall, Overall::of(topics).score)]) {
            let value = score.map_or(f64::NAN, f64::from);
            gauge.set(value);
            snapshot.patch(gauge.series_id(), Value::Gauge(value));
        }
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let topics = self.monitors.iter().map(|monitor| monitor.topic().name);
        f.debug_list().entries(topics).finish()
    }
}
