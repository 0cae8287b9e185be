//! `/metrics/{topic}`: the report of each monitor.
//!
//! The topic is looked up in the registry, so each registered monitor has its endpoint,
//! also a monitor that the host wrote itself.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use node0_metrics_core::{GuestError, Registry, ReportError, Sample, Topic};

use super::endpoint::{Endpoint, EndpointDesc};
use super::error::ApiError;
use super::parameter::Parameter;
use super::query::Query;
use super::render_slots::RenderSlots;
use super::reply;
use super::surface::{Mount, Surface};

const TOPIC: Parameter = Parameter::text("topic", "The topic of a monitor, such as `database`.");

/// The reports of a registry's monitors.
pub(super) struct Reports {
    pub(super) registry: Registry,
}

impl Surface for Reports {
    fn name(&self) -> &'static str {
        "reports"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let (registry, slots) = (self.registry.clone(), mount.slots().clone());
        let of_topics = {
            let (registry, slots) = (registry.clone(), slots.clone());
            move || {
                let topics = registry.topics();
                topics.iter().map(|topic| describe(topic, &slots)).collect()
            }
        };
        let report = EndpointDesc::get("/metrics/{topic}", "The report of a monitor.")
            .parameter(TOPIC)
            .returns(reply::JSON, "The report.")
            .error(StatusCode::NOT_FOUND, "unknown_topic", "No monitor has this topic.")
            .rendered(&slots)
            .handler(report_topic, (registry, slots))
            .instances(of_topics);
        vec![report]
    }
}

/// Describes the path of one topic.
fn describe(topic: &Topic, slots: &RenderSlots) -> EndpointDesc {
    let path = format!("/metrics/{}", topic.name);
    let desc = EndpointDesc::get(path, format!("The report on {}.", topic.name))
        .returns(reply::JSON, "The report.")
        .rendered(slots);
    match topic.target_param {
        Some(param) => desc.parameter(target(param)).error(
            StatusCode::NOT_FOUND,
            format!("unknown_{param}"),
            "No instance has this name.",
        ),
        None => desc,
    }
}

/// The parameter that names an instance.
fn target(param: &'static str) -> Parameter {
    Parameter::text(param, "Reports on this instance alone.")
}

/// `GET /metrics/{topic}`
async fn report_topic(
    State((registry, slots)): State<(Registry, RenderSlots)>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let Ok(Path(name)) = path else {
        return Err(ApiError::invalid_parameter(TOPIC.name(), "is not UTF-8", &[]));
    };
    let topics = registry.topics();
    let Some(topic) = topics.iter().copied().find(|topic| topic.name == name) else {
        return Err(ApiError::unknown("topic", &name, topics.iter().map(|topic| topic.name)));
    };
    let instance = match topic.target_param {
        Some(param) => Query::of(&uri).text(&target(param))?,
        None => None,
    };
    let work = move || report(&registry.read(), topic.name, instance.as_deref());
    Ok(reply::raw_json(StatusCode::OK, slots.run(topic.name, work).await??))
}

/// The report of a topic as JSON.
fn report(sample: &Arc<Sample>, topic: &str, instance: Option<&str>) -> Result<Vec<u8>, ApiError> {
    // Serialized inside the guarded call of the monitor, since the report's `Serialize` is
    // foreign code too: if it hung here, it would hold a slot and a blocking thread for ever.
    match sample.report_with(topic, instance, |report| reply::to_json(&report)) {
        Ok(json) => json,
        Err(ReportError::UnknownTopic { topic, known }) => {
            Err(ApiError::unknown("topic", &topic, known))
        }
        Err(ReportError::UnknownTarget { topic, source }) => {
            let param = topic.target_param.unwrap_or("target");
            Err(ApiError::unknown(param, &source.target, source.known).parameter(param))
        }
        Err(error @ ReportError::Failed { reason: GuestError::Panicked, .. }) => {
            Err(ApiError::internal(error.to_string()))
        }
        Err(error) => Err(ApiError::overloaded(error.to_string())),
    }
}
