//! The monitors of a registry, and the published health of their topics.

use std::sync::Arc;

use crate::judging::event::{Event, HealthChange};
use crate::judging::finding_series::FindingSeries;
use crate::judging::guest::GuestError;
use crate::judging::health::{Hysteresis, Overall, TopicHealth};
use crate::judging::judgement::Judgement;
use crate::judging::raised::Raised;
use crate::judging::started::finish_all;
use crate::judging::watched::{Checks, Watched};
use crate::naming::desc::Desc;
use crate::reading::sample::Sample;
use crate::reading::snapshot::{Snapshot, Value};
use crate::recording::gauge::Gauge;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::sync::{Mutex, lock};

/// The overall score of all topics.
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
pub(crate) struct Board {
    hysteresis: Hysteresis,
    monitors: Mutex<Arc<[Arc<Watched>]>>,
    /// One for each monitor that was judged, in the order of the monitors.
    topics: Mutex<Vec<Judged>>,
    /// The published health of these topics.
    published: Mutex<Arc<[TopicHealth]>>,
    /// The published score over all topics.
    overall: Mutex<Gauge>,
    findings: Mutex<FindingSeries>,
}

/// What is kept of a topic from one judgement to the next.
#[derive(Debug)]
struct Judged {
    health: TopicHealth,
    raised: Raised,
}

impl Board {
    pub(crate) fn new(hysteresis: Hysteresis) -> Self {
        Self {
            hysteresis,
            monitors: Mutex::new(Arc::new([])),
            topics: Mutex::default(),
            published: Mutex::new(Arc::new([])),
            overall: Mutex::new(Gauge::disabled()),
            findings: Mutex::default(),
        }
    }

    pub(crate) fn set_overall(&self, gauge: Gauge) {
        gauge.set(f64::NAN);
        *lock(&self.overall) = gauge;
    }

    pub(crate) fn add(&self, watched: Watched) -> Result<(), RegisterError> {
        let mut monitors = lock(&self.monitors);
        let topic = watched.topic.name;
        if monitors.iter().any(|other| other.topic.name == topic) {
            return Err(RegisterError::DuplicateTopic { topic });
        }
        let key = watched.topic.check_key;
        if let Some(other) = monitors.iter().find(|other| other.topic.check_key == key) {
            return Err(RegisterError::DuplicateCheckKey { key, topic: other.topic.name });
        }
        watched.score.set(f64::NAN);
        *monitors = monitors.iter().cloned().chain([Arc::new(watched)]).collect();
        Ok(())
    }

    pub(crate) fn monitors(&self) -> Arc<[Arc<Watched>]> {
        lock(&self.monitors).clone()
    }

    /// Calls every monitor's `poll`.
    pub(crate) fn poll(&self) {
        // A failure is counted, and the gauges keep their values.
        let _ = finish_all(self.monitors().iter().map(|watched| watched.poll()));
    }

    /// Returns the readiness checks of all monitors.
    pub(crate) fn readiness_checks(&self) -> Checks {
        let monitors = self.monitors();
        let asked = finish_all(monitors.iter().map(|watched| watched.readiness()));
        monitors.iter().zip(asked).flat_map(|(watched, asked)| watched.checks(asked)).collect()
    }

    /// Returns the published health of the topics that were judged.
    pub(crate) fn published(&self) -> Arc<[TopicHealth]> {
        lock(&self.published).clone()
    }

    /// Calls every monitor's `judge` with a sample, publishes the health, and returns the changes
    /// as events.
    ///
    /// No lock is held during these calls.
    pub(crate) fn judge(&self, sample: &Arc<Sample>) -> Vec<Event> {
        let monitors = self.monitors();
        let judged = finish_all(monitors.iter().map(|watched| watched.judge(sample)));
        let mut topics = lock(&self.topics);
        let mut events = Vec::new();
        for (at, (watched, judged)) in monitors.iter().zip(judged).enumerate() {
            let topic = watched.topic;
            let (judgement, has_failed) = match judged {
                Ok(judgement) => (judgement.fold(topic.name), false),
                // A topic whose judgement is skipped keeps its health and its findings.
                Err(GuestError::Skipped) if topics.len() > at => continue,
                // A topic whose judgement failed is unknown, but keeps its findings: a failure
                // does not show that they are gone.
                Err(error) => {
                    (Judgement::unknown(format!("the judgement {error}")).fold(topic.name), true)
                }
            };
            if topics.len() == at {
                let health = TopicHealth::first(topic, judgement.clone());
                topics.push(Judged { health, raised: Raised::default() });
            }
            let Judged { health, raised } = &mut topics[at];
            if !has_failed {
                let changes = raised.follow(topic, &judgement.assessment.findings, sample.at);
                events.extend(changes.into_iter().map(Event::Finding));
            }
            if let Some(from) = health.update(judgement, sample.uptime, self.hysteresis) {
                let (to, summary) =
                    (health.assessment.status, health.assessment.summary.to_string());
                let change = HealthChange { topic, from, to, summary, at: sample.at };
                events.push(Event::Health(change));
            }
        }
        *lock(&self.published) = topics.iter().map(|judged| judged.health.clone()).collect();
        events
    }

    /// Writes the published scores into their gauges, and into the snapshot that was judged; also
    /// shows the published findings as series.
    pub(crate) fn show(&self, topics: &[TopicHealth], snapshot: &mut Snapshot, store: &Store) {
        let monitors = self.monitors();
        let overall = lock(&self.overall).clone();
        let gauges = monitors.iter().map(|watched| &watched.score);
        let scores = gauges.zip(topics.iter().map(|health| health.assessment.score));
        for (gauge, score) in scores.chain([(&overall, Overall::of(topics).score)]) {
            let value = score.map_or(f64::NAN, f64::from);
            gauge.set(value);
            snapshot.patch(gauge.series_id(), Value::Gauge(value));
        }
        lock(&self.findings).follow(topics, store);
    }

    /// Shows in a snapshot that no score is known; the next tick shows them again.
    pub(crate) fn hide_scores(&self, snapshot: &mut Snapshot) {
        let monitors = self.monitors();
        let overall = lock(&self.overall).series_id();
        for id in monitors.iter().map(|watched| watched.score.series_id()).chain([overall]) {
            snapshot.patch(id, Value::Gauge(f64::NAN));
        }
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("topic", &self.topic.name).finish_non_exhaustive()
    }
}
