//! The monitoring: all parts of node0, connected.

mod alerts;
mod builder;
mod http;
mod page;
mod past;
mod serving;
mod stream;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use node0_aggregator::{Aggregator, Events};
use node0_exporter::{Exporter, Format};
use node0_history::History;
use node0_http_glue::{AlertPages, LivePage, Readiness, Routes, RoutesError, Shutdown};
use node0_metrics_core::{
    AnyMetric, Desc, Gauge, Kind, OwnedDesc, RegisterError, Registry, Sample, SeriesId,
};
use node0_request_layer::RequestLayer;
use node0_streaming::Streaming;
use node0_system_monitor::MonitoredRuntime;
use tokio::runtime::Handle;

use self::alerts::WatchedAlerts;
use self::builder::ReadinessSettings;
pub use self::builder::{BuildError, MonitoringBuilder};
pub use self::http::HttpSettings;
use self::stream::StreamSettings;
use crate::monitors::Monitors;

/// The versions of the host and of node0, as labels; the value is always 1.
pub const BUILD_INFO: Desc = Desc::gauge(
    "node0_build_info",
    "Always 1, labelled with the versions of the host and of node0.",
)
.labels(&["version", "node0_version"]);

/// All parts of node0 in one value; clones share them.
///
/// Sampling ends with the last clone, and with the last router of [`Monitoring::routes`].
#[derive(Clone)]
pub struct Monitoring {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    monitors: Monitors,
    /// The watched runtime of the host; `None` until a method is called on a runtime.
    runtime: Mutex<Option<MonitoredRuntime>>,
    requests: RequestLayer,
    alerts: WatchedAlerts,
    exporter: Arc<Exporter>,
    history: Option<History>,
    page: Option<LivePage>,
    stream: StreamSettings,
    http: HttpSettings,
    max_connections: usize,
    /// The stream, if it is enabled and there is a sampling thread.
    streaming: OnceLock<Streaming>,
    version: Option<String>,
    /// Created at first use, since it needs a runtime and the rest does not.
    readiness: OnceLock<Readiness>,
    /// What the host sets of its readiness, until it is created.
    readiness_settings: Mutex<Option<ReadinessSettings>>,
    shutdown: OnceLock<Shutdown>,
    aggregator: Mutex<Option<Aggregator>>,
    /// A handle of each custom metric, which keeps its series.
    custom: Mutex<HashMap<Option<SeriesId>, AnyMetric>>,
    _build_info: Gauge,
}

impl Monitoring {
    /// Returns a builder with the default settings.
    pub fn builder() -> MonitoringBuilder {
        MonitoringBuilder::new()
    }

    /// Returns the registry, for metrics and monitors of the host's own.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub(crate) fn monitors(&self) -> &Monitors {
        &self.inner.monitors
    }

    /// Returns a fresh sample, which includes everything recorded so far.
    pub fn sample(&self) -> Arc<Sample> {
        self.inner.registry.read()
    }

    /// Subscribes to samples, findings, alerts and changes of health; `None` after [`Monitoring::stop`].
    pub fn subscribe(&self) -> Option<Events> {
        lock(&self.inner.aggregator).as_ref().map(Aggregator::subscribe)
    }

    /// Sends each tick's numbers to the recorder of the `metrics` facade that is installed.
    ///
    /// Spawn the returned future; it ends with the sampling.
    #[cfg(feature = "metrics")]
    pub fn publish(
        &self,
        mut publisher: node0_metrics_bridge::Publisher,
    ) -> impl Future<Output = ()> + Send + use<> {
        let events = self.subscribe();
        async move {
            let Some(mut events) = events else { return };
            while let Some(received) = events.recv().await {
                if let node0_metrics_core::Event::Sample(sample) = received.event {
                    publisher.publish(&sample);
                }
            }
        }
    }

    /// Returns the number of receivers of [`Monitoring::subscribe`].
    pub fn listener_count(&self) -> usize {
        lock(&self.inner.aggregator).as_ref().map_or(0, Aggregator::listener_count)
    }

    /// Returns the readiness of the service; the first call starts its checks.
    ///
    /// The service is ready as soon as its checks pass, unless
    /// [`MonitoringBuilder::readiness`] says that it [waits](crate::ReadinessBuilder::waits_for_started).
    ///
    /// # Panics
    /// On the first call outside a tokio runtime.
    pub fn readiness(&self) -> &Readiness {
        self.inner.readiness.get_or_init(|| {
            self.watch_runtime();
            // If the system cannot start a thread for a check, it runs on the host's runtime.
            let readiness = Readiness::builder(&self.inner.registry).own_thread();
            let settings = lock(&self.inner.readiness_settings).take();
            settings.into_iter().fold(readiness, |readiness, set| set.0(readiness)).start()
        })
    }

    /// Watches the current runtime, if there is one and none is watched yet.
    fn watch_runtime(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        let mut runtime = lock(&self.inner.runtime);
        // Without a sampling thread this is a test, which controls time itself.
        if runtime.is_none() && lock(&self.inner.aggregator).is_some() {
            *runtime = self.system().attach("main", &handle).ok();
        }
    }

    /// Returns the endpoints, to merge into the host's router or to serve on an address of their own.
    ///
    /// # Errors
    /// [`RoutesError`] if the registry has its maximum of metric names.
    ///
    /// # Panics
    /// Outside a tokio runtime: see [`Monitoring::readiness`].
    pub fn routes<S>(&self) -> Result<Router<S>, RoutesError>
    where
        S: Clone + Send + Sync + 'static,
    {
        self.routes_with(|routes| routes)
    }

    /// Returns the endpoints with further settings, such as [`Routes::appendix`] or [`Routes::surface`].
    ///
    /// # Errors
    /// [`RoutesError`], as from [`Routes::router`].
    ///
    /// # Panics
    /// As [`Monitoring::routes`].
    pub fn routes_with<S>(
        &self,
        settings: impl FnOnce(Routes) -> Routes,
    ) -> Result<Router<S>, RoutesError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let Inner { registry, exporter, history, stream, version, requests, .. } = &*self.inner;
        let routes = Routes::new(registry, exporter.clone(), self.readiness())
            .gate(self.gate())
            .set_aside(requests)
            // The endpoints show what the monitoring holds, and its sampling.
            .keep(self.inner.clone());
        let routes = routes.surface(AlertPages::new(self.alerts()));
        let routes = match history {
            Some(history) => routes.history(history),
            None => routes,
        };
        let routes = match self.streaming() {
            Some(streaming) => stream.add_to(routes, registry, streaming)?,
            None => routes,
        };
        let routes = match self.page() {
            Some(page) => routes.surface(page),
            None => routes,
        };
        let routes = match version {
            Some(version) => routes.version(version),
            None => routes,
        };
        settings(routes).router()
    }

    /// Returns a page for Prometheus, in the exporter's naming.
    pub fn export(&self) -> String {
        let mut page = Vec::new();
        let exporter = &self.inner.exporter;
        exporter.render(&self.sample(), Format::Text, exporter.naming(), &mut page);
        // Names, labels and help texts are `str`, so the page is UTF-8.
        String::from_utf8_lossy(&page).into_owned()
    }

    /// Registers a metric that is known at run time only, and gives it a first value.
    ///
    /// A counter is raised by `value`, a gauge is set to it, a histogram records
    /// it. The same name and labels give a handle to the same series. The series
    /// lives as long as this monitoring. A counter's name gets the suffix
    /// `_total` if it does not have it.
    ///
    /// ```
    /// use node0::{Kind, Monitoring};
    ///
    /// let testing = Monitoring::testing();
    /// let labels = [("service", "api"), ("version", "1.0")];
    /// testing.register_metric("custom_metric", Kind::Counter, "Custom metric description", 42.0, &labels)?;
    /// assert_eq!(testing.value("custom_metric_total", &labels), Some(42.0));
    /// # Ok::<(), node0::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// [`RegisterError`] when a name or label is malformed, or when the name is registered with
    /// another description.
    pub fn register_metric(
        &self,
        name: &str,
        kind: Kind,
        help: &str,
        value: f64,
        labels: &[(&str, &str)],
    ) -> Result<AnyMetric, RegisterError> {
        let desc = OwnedDesc::new(kind, name, help)?;
        let metric = self.inner.registry.metric(&desc, labels)?;
        metric.apply(value);
        lock(&self.inner.custom).insert(metric.series_id(), metric.clone());
        Ok(metric)
    }

    /// Ends the sampling; recorded values stay readable.
    pub fn stop(&self) {
        let aggregator = lock(&self.inner.aggregator).take();
        drop(aggregator);
        lock(&self.inner.runtime).take();
    }
}

impl fmt::Debug for Monitoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitoring").field("version", &self.inner.version).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
