//! Pages and reports.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use exporter::{Format, Json, Naming, Rendered, negotiate};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use metrics_core::{ReportError, Sample};
use serde::Serialize;

use super::error::ApiError;
use super::query::Query;
use super::reply;
use super::routes::{Appendix, Surface};

type Answer = Result<Response, ApiError>;

/// `GET /metrics`
pub(super) async fn page(
    State(surface): State<Arc<Surface>>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let asked: Option<Naming> = Query::of(&uri).word("naming", Naming::WORDS)?;
    let naming = asked.unwrap_or(surface.exporter.naming());
    let format = match asked {
        // Classic names exist in text only, and here they were asked for.
        Some(naming) if naming.has_classic() => Format::Text,
        _ => {
            let accept = headers.get_all(header::ACCEPT).into_iter();
            negotiate(accept.filter_map(|value| value.to_str().ok()))
        }
    };
    let shared = surface.clone();
    let (rendered, page) = surface.slots.run("page", move || shared.render(format, naming)).await?;
    let content_type = HeaderValue::from_static(rendered.format.content_type());
    Ok(reply::bytes(StatusCode::OK, content_type, Body::from(page)))
}

impl Surface {
    fn render(&self, format: Format, naming: Naming) -> (Rendered, Vec<u8>) {
        let clock = self.registry.clock();
        let start = clock.now();
        let sample = self.registry.read();
        // A little more than last time, since numbers grow.
        let last = self.page_bytes.load(Ordering::Relaxed);
        let mut page = Vec::with_capacity(last + last / 16);
        let rendered = self.exporter.render(&sample, format, naming, &mut page);
        if let Some(Appendix(append)) = &self.appendix {
            append(&mut page);
        }
        self.page_bytes.store(page.len(), Ordering::Relaxed);
        self.scrapes.record(&rendered, clock.since(start));
        (rendered, page)
    }
}

/// `GET /metrics/export.json`
pub(super) async fn export(State(surface): State<Arc<Surface>>) -> Answer {
    let registry = surface.registry.clone();
    let work = move || to_json(&Json(&registry.read()));
    Ok(reply::raw_json(StatusCode::OK, surface.slots.run("export", work).await??))
}

/// `GET /metrics/{topic}`
pub(super) async fn topic(
    State(surface): State<Arc<Surface>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Answer {
    let Ok(Path(name)) = path else {
        return Err(ApiError::invalid_parameter("topic", "is not UTF-8", &[]));
    };
    let monitors = surface.registry.monitors();
    let topics = || monitors.iter().map(|monitor| monitor.topic());
    let Some(topic) = topics().find(|topic| topic.name == name) else {
        return Err(ApiError::unknown("topic", &name, topics().map(|topic| topic.name)));
    };
    let target = match topic.target_param {
        Some(param) => Query::of(&uri).text(param, &[])?,
        None => None,
    };
    let registry = surface.registry.clone();
    let work = move || report(&registry.read(), topic.name, target.as_deref());
    Ok(reply::raw_json(StatusCode::OK, surface.slots.run(topic.name, work).await??))
}

/// The report of a topic as JSON.
pub(super) fn report(
    sample: &Sample,
    topic: &str,
    target: Option<&str>,
) -> Result<Vec<u8>, ApiError> {
    match sample.report(topic, target) {
        Ok(report) => to_json(&report),
        Err(ReportError::UnknownTopic { topic, known }) => {
            Err(ApiError::unknown("topic", &topic, known))
        }
        Err(ReportError::UnknownTarget { topic, source }) => {
            let param = topic.target_param.unwrap_or("target");
            Err(ApiError::unknown(param, &source.target, source.known).parameter(param))
        }
        Err(error) => Err(ApiError::internal(error.to_string())),
    }
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body)
        .map_err(|error| ApiError::internal(format!("the answer cannot be written: {error}")))
}
