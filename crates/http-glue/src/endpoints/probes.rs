//! The probes for an orchestrator or a load balancer: liveness and readiness.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use node0_http_server::{Readiness, ReadinessStatus};

use super::endpoint::{Endpoint, EndpointDesc};
use super::reply;
use super::surface::{Mount, Surface};

/// `/health/live` and `/health/ready`, with their second paths `/livez` and `/readyz`.
pub(super) struct Probes {
    pub(super) readiness: Readiness,
}

impl Surface for Probes {
    fn name(&self) -> &'static str {
        "probes"
    }

    fn endpoints(&self, _: &Mount) -> Vec<Endpoint> {
        let alive = |path| {
            EndpointDesc::get(path, "Liveness: 200 while the process runs.")
                .returns(reply::JSON, "The process runs.")
                .handler(live, ())
        };
        let ready = |path| {
            EndpointDesc::get(path, "Readiness: 200 while the service takes traffic, else 503.")
                .returns(reply::JSON, "The service takes traffic.")
                .answer(
                    StatusCode::SERVICE_UNAVAILABLE,
                    reply::JSON,
                    "The service is starting or shutting down, or a check fails.",
                )
                .handler(ready, self.readiness.clone())
        };
        vec![alive("/health/live"), alive("/livez"), ready("/health/ready"), ready("/readyz")]
    }
}

/// `GET /health/live`: takes no lock and waits for nothing.
async fn live() -> Response {
    reply::raw_json(StatusCode::OK, r#"{"status":"alive"}"#)
}

/// `GET /health/ready`
async fn ready(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report();
    let status = match report.status {
        ReadinessStatus::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    reply::json(status, &report)
}
