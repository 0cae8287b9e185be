//! Health, for people and for probes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use metrics_core::{Assessment, Report, Sample, Status, Timestamp, TopicHealth};
use serde::{Serialize, Serializer};

use super::error::ApiError;
use super::query::Query;
use super::reply;
use super::routes::Surface;
use crate::readiness::ReadinessStatus;

/// The age from which a published sample means that nobody samples.
const STALE: Duration = Duration::from_secs(3);

/// `GET /health/live`: touches nothing that anything else could hold.
pub(super) async fn live() -> Response {
    reply::raw_json(StatusCode::OK, r#"{"status":"alive"}"#)
}

/// `GET /health/ready`
pub(super) async fn ready(State(surface): State<Arc<Surface>>) -> Response {
    let report = surface.readiness.report();
    let status = match report.status {
        ReadinessStatus::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    reply::json(status, &report)
}

/// `GET /health/performance`
pub(super) async fn performance(
    State(surface): State<Arc<Surface>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = Query::of(&uri);
    let parts = Parts { details: query.flag("detailed")?, metrics: query.flag("metrics")? };
    let latest = surface.registry.latest();
    let age = surface.registry.clock().uptime().saturating_sub(latest.uptime);
    let is_current = latest.pass > 0 && age < STALE;
    let (status, body) = if is_current && !parts.metrics {
        body(&latest, surface.version.as_deref(), parts)?
    } else {
        // Reports run the monitors' code. So does a read while nobody samples,
        // which is then what brings the judgement up to date.
        let shared = surface.clone();
        let work = move || {
            let sample = if is_current { latest } else { shared.registry.read() };
            body(&sample, shared.version.as_deref(), parts)
        };
        surface.slots.run("health", work).await??
    };
    let code = match status {
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    Ok(reply::raw_json(code, body))
}

/// What the body has beside the checks.
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
    version: Option<&'a str>,
    checks: Keyed<Check<'a>>,
    score: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Keyed<&'a Assessment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Keyed<Option<Report>>>,
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

/// A JSON object that keeps its order.
struct Keyed<T>(Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn body(
    sample: &Sample,
    version: Option<&str>,
    parts: Parts,
) -> Result<(Status, Vec<u8>), ApiError> {
    let overall = sample.overall();
    let topics = &sample.topics;
    // A monitor whose report fails is no data; the others' are still wanted.
    let report = |health: &TopicHealth| sample.report(health.topic.name, None).ok();
    let body = PerformanceHealth {
        status: overall.status,
        timestamp: sample.at,
        uptime: u64::try_from(sample.uptime.as_millis()).unwrap_or(u64::MAX),
        version,
        checks: keyed(topics, |health| (health.topic.check_key, Check::from(&health.assessment))),
        score: overall.score,
        details: parts
            .details
            .then(|| keyed(topics, |health| (health.topic.check_key, &health.assessment))),
        metrics: parts.metrics.then(|| keyed(topics, |health| (health.topic.name, report(health)))),
    };
    serde_json::to_vec(&body)
        .map(|body| (overall.status, body))
        .map_err(|error| ApiError::internal(format!("the answer cannot be written: {error}")))
}

fn keyed<'a, T>(
    topics: &'a [TopicHealth],
    entry: impl Fn(&'a TopicHealth) -> (&'static str, T),
) -> Keyed<T> {
    Keyed(topics.iter().map(entry).collect())
}
