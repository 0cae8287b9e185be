//! The layers of other libraries around an axum router, each added as its documentation says.
//!
//! axum-prometheus and our layer over `metrics` record through the one recorder that a process can
//! have. A thread drains it every five seconds, as its exporter would; that is not counted.

mod over_metrics;

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum_prometheus::PrometheusMetricLayer;
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;

use super::opentelemetry::install;
use crate::workload::BOUNDS;
use over_metrics::Record;

/// The interval in which the exporter of `metrics` drains by default.
const UPKEEP: Duration = Duration::from_secs(5);

/// The installed recorder of the facade `metrics`; draining ends with it.
pub struct Recorder {
    _stop: Sender<()>,
}

impl Recorder {
    /// Installs the recorder of this process.
    ///
    /// # Errors
    /// Fails when there is one already.
    pub fn install() -> Result<Self> {
        let recorder = PrometheusBuilder::new().set_buckets(&BOUNDS)?.build_recorder();
        let drained = recorder.handle();
        metrics::set_global_recorder(recorder).context("it is not the first")?;
        let (stop, stopped) = channel::<()>();
        thread::spawn(move || {
            while stopped.recv_timeout(UPKEEP) == Err(RecvTimeoutError::Timeout) {
                drained.run_upkeep();
            }
        });
        Ok(Self { _stop: stop })
    }
}

/// Returns the router in each peer's layer; call it with a [`Recorder`] installed.
///
/// # Errors
/// Fails when a layer cannot be made.
pub fn all(router: fn() -> Router) -> Result<[(&'static str, Router); 4]> {
    install();
    let opentelemetry = LayerBuilder::builder().with_tracing(false).build();
    let opentelemetry = opentelemetry.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok([
        // What most services have already: a span for each request, here without a subscriber.
        ("apart, tower-http trace", router().layer(tower_http::trace::TraceLayer::new_for_http())),
        ("axum-prometheus", router().layer(PrometheusMetricLayer::new())),
        ("metrics, tower layer", router().layer(Record)),
        ("opentelemetry, tower layer", router().layer(opentelemetry)),
    ])
}
