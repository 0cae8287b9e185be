//! `/health/performance`: the published health, for people and for alerts.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use node0_metrics_core::{Assessment, Registry, Sample, Status, Timestamp, TopicHealth};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::endpoint::{Endpoint, EndpointDesc};
use super::error::ApiError;
use super::parameter::Parameter;
use super::query::Query;
use super::render_slots::RenderSlots;
use super::reply;
use super::surface::{Mount, Surface};

const DETAILED: Parameter = Parameter::flag("detailed", "Adds the findings of each monitor.");
const METRICS: Parameter = Parameter::flag("metrics", "Adds the report of each monitor.");

/// The time that all reports may take together; one that is late is `null`.
///
/// It is much shorter than the limit of one report: a monitor that is slow or hangs would else hold
/// everyone who asks for the health.
const PATIENCE: Duration = Duration::from_secs(1);

/// The health of all topics.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) registry: Registry,
    /// The version of the host service.
    pub(super) version: Option<String>,
}

impl Surface for Health {
    fn name(&self) -> &'static str {
        "health"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let summary = "The status of the service and what is wrong with it.";
        let performance = EndpointDesc::get("/health/performance", summary)
            .parameter(DETAILED)
            .parameter(METRICS)
            .returns(reply::JSON, "The service is healthy, degraded, or not judged yet.")
            .answer(StatusCode::SERVICE_UNAVAILABLE, reply::JSON, "The service is unhealthy.")
            .rendered(mount.slots())
            .handler(performance, (self.clone(), mount.slots().clone()));
        vec![performance]
    }
}

/// `GET /health/performance`
async fn performance(
    State((health, slots)): State<(Health, RenderSlots)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = Query::of(&uri);
    let parts = Parts { details: query.flag(&DETAILED)?, metrics: query.flag(&METRICS)? };
    let latest = health.registry.latest();
    let is_current = latest.pass > 0 && !health.registry.is_stale(&latest);
    let (status, body) = if is_current && !parts.metrics {
        health.body(&latest, parts)?
    } else {
        // Reports call the monitors and may block. A read may block too if nothing ticks the
        // registry: it then ends the tick itself, judges, and updates the published health.
        let work = move || {
            let sample = if is_current { latest } else { health.registry.read() };
            health.body(&sample, parts)
        };
        slots.run("health", work).await??
    };
    let code = match status {
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    Ok(reply::raw_json(code, body))
}

/// The optional parts of the body.
#[derive(Clone, Copy, Debug)]
struct Parts {
    details: bool,
    metrics: bool,
}

#[derive(Serialize)]
struct PerformanceHealth<'a> {
    status: Status,
    timestamp: Timestamp,
    uptime: u64,
    /// The time since the health was judged.
    age: u64,
    version: Option<&'a str>,
    checks: Keyed<Check<'a>>,
    score: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Keyed<&'a Assessment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Keyed<Option<Box<RawValue>>>>,
}

#[derive(Serialize)]
struct Check<'a> {
    status: &'static str,
    message: &'a str,
    score: Option<u8>,
}

impl<'a> From<&'a Assessment> for Check<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        let status = match assessment.status {
            Status::Healthy => "pass",
            Status::Degraded => "warn",
            Status::Unhealthy => "fail",
            Status::Unknown => "unknown",
        };
        Self { status, message: &assessment.summary, score: assessment.score }
    }
}

/// A JSON object that keeps the order of its keys.
struct Keyed<T>(Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Health {
    fn body(&self, sample: &Arc<Sample>, parts: Parts) -> Result<(Status, Vec<u8>), ApiError> {
        let overall = sample.overall();
        let topics = &sample.topics;
        // A report that cannot be made or written is `null`, so that one failing monitor does not
        // hide the others.
        let reports = || {
            let topics: Vec<_> = sample.monitored().map(|topic| topic.name).collect();
            let reports = sample.reports_within(&topics, PATIENCE, |report| to_raw_value(&report));
            reports
                .into_iter()
                .map(|(topic, json)| (topic.name, json.ok().and_then(Result::ok)))
                .collect()
        };
        let body = PerformanceHealth {
            status: overall.status,
            timestamp: sample.at,
            uptime: millis(sample.uptime),
            age: millis(self.registry.clock().uptime().saturating_sub(sample.judged)),
            version: self.version.as_deref(),
            checks: keyed(topics, |health| {
                (health.topic.check_key, Check::from(&health.assessment))
            }),
            score: overall.score,
            details: parts
                .details
                .then(|| keyed(topics, |health| (health.topic.check_key, &health.assessment))),
            metrics: parts.metrics.then(|| Keyed(reports())),
        };
        Ok((overall.status, reply::to_json(&body)?))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn keyed<'a, T>(
    topics: &'a [TopicHealth],
    entry: impl Fn(&'a TopicHealth) -> (&'static str, T),
) -> Keyed<T> {
    Keyed(topics.iter().map(entry).collect())
}
