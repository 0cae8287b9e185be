//! A service with tracing-opentelemetry, whose exemplars lead from a slow bucket to a trace.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use node0::{BuildError, Latency, Monitoring, RequestSpans, Traces};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;

/// Makes spans of `tracing` spans of OpenTelemetry, and tells node0 those of requests.
pub fn subscriber(provider: &SdkTracerProvider) -> impl Subscriber + Send + Sync + use<> {
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    tracing_subscriber::registry().with(spans).with(RequestSpans)
}

/// Monitors with the traces of OpenTelemetry as exemplars.
///
/// # Errors
/// Fails if the sampling thread cannot be started.
pub fn monitoring() -> Result<Monitoring, BuildError> {
    Monitoring::builder().traces(Traces::opentelemetry()).build()
}

/// The service itself. `stock` records the time that a look-up of the stock takes.
pub fn app(stock: Latency) -> Router {
    let order = async move |Path(id): Path<u64>| order(id, &stock).await;
    Router::new().route("/orders/{id}", get(order))
}

/// Answers within a span, which becomes the exemplar of the request and of the timer.
#[tracing::instrument(skip(stock))]
async fn order(id: u64, stock: &Latency) -> String {
    let left = stock.time(look_up(id)).await;
    format!("order {id}, {left} left")
}

async fn look_up(id: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(id % 50)).await;
    id % 7
}
