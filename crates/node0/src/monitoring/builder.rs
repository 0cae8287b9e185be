//! The settings of a monitoring, and how it is built of them.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use node0_aggregator::{Aggregator, StartError};
use node0_alerting::AlertingError;
use node0_exporter::{Exporter, ExporterBuilder, Naming};
use node0_history::{History, HistoryBuilder};
use node0_http_glue::{LivePage, ReadinessBuilder, max_connections_by_descriptors};
use node0_metrics_core::{RegisterError, Registry, RegistryBuilder};
use node0_performance_monitor::{PerformanceMonitor, PerformanceMonitorBuilder};
use node0_request_layer::{
    REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION, RequestLayer, Traces,
};
use node0_system_monitor::SystemMonitorBuilder;

use super::alerts::AlertSettings;
use super::http::HttpSettings;
use super::stream::StreamSettings;
use super::{BUILD_INFO, Inner, Monitoring, lock};
use crate::monitors::{MonitorSettings, Monitors};

/// A function of the host that changes the settings of its readiness.
pub(super) struct ReadinessSettings(
    pub(super) Box<dyn FnOnce(ReadinessBuilder) -> ReadinessBuilder + Send>,
);

impl fmt::Debug for ReadinessSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessSettings").finish_non_exhaustive()
    }
}

/// The reason why a monitoring could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A metric of a monitor that comes with node0 could not be registered.
    #[error("the monitors' own metrics cannot be registered")]
    Register(#[from] RegisterError),
    /// The alerts could not be set up.
    #[error(transparent)]
    Alerting(#[from] AlertingError),
    /// The delivery of alerts could not be started.
    #[cfg(feature = "notify")]
    #[error(transparent)]
    Notify(#[from] node0_notifier::StartError),
    /// The stream could not be started.
    #[error(transparent)]
    Stream(#[from] node0_streaming::StartError),
    /// The sampling thread could not be started.
    #[error("sampling cannot be started")]
    Start(#[from] StartError),
}

/// Settings for [`Monitoring`].
#[derive(Debug)]
#[must_use = "call `build` to get the monitoring"]
pub struct MonitoringBuilder {
    pub(super) registry: RegistryBuilder,
    pub(super) alerts: AlertSettings,
    pub(super) exporter: ExporterBuilder,
    pub(super) naming: Option<Naming>,
    pub(super) history: Option<HistoryBuilder>,
    pub(super) page: Option<LivePage>,
    pub(super) stream: StreamSettings,
    pub(super) http: HttpSettings,
    monitors: MonitorSettings,
    pub(super) readiness: Option<ReadinessSettings>,
    pub(super) max_connections: Option<usize>,
    pub(super) traces: Option<Traces>,
    pub(super) version: Option<String>,
}

impl MonitoringBuilder {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::builder(),
            alerts: AlertSettings::default(),
            exporter: Exporter::builder(),
            history: Some(History::builder()),
            page: None,
            stream: StreamSettings::default(),
            http: HttpSettings::default(),
            monitors: MonitorSettings::default(),
            naming: None,
            readiness: None,
            max_connections: None,
            traces: None,
            version: None,
        }
    }

    /// Sets the host's version, usually `env!("CARGO_PKG_VERSION")`, for health, OpenAPI and the
    /// metric `node0_build_info`; none by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the naming of `/metrics` for requests without `?naming=`; [`Naming::Standard`] by default.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = Some(naming);
        self
    }

    /// Changes the settings of the readiness, and adds checks of the host's own.
    ///
    /// ```
    /// use node0::{Monitoring, NotReady};
    ///
    /// let monitoring = Monitoring::builder()
    ///     .readiness(|readiness| {
    ///         readiness.check_fn("licence", || async { Err(NotReady::new("it has expired")) })
    ///     })
    ///     .build()?;
    /// # drop(monitoring);
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    pub fn readiness(
        mut self,
        settings: impl FnOnce(ReadinessBuilder) -> ReadinessBuilder + Send + 'static,
    ) -> Self {
        self.readiness = Some(ReadinessSettings(Box::new(settings)));
        self
    }

    /// Changes the settings of the registry: ticks, windows, caps, clock and time budgets.
    pub fn recording(mut self, settings: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        self.registry = settings(self.registry);
        self
    }

    /// Changes the settings of the monitor of operations: its thresholds, and when idle names expire.
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::performance::Thresholds;
    /// use std::time::Duration;
    ///
    /// let slow_p95 = Duration::from_millis(200);
    /// let monitoring = Monitoring::builder()
    ///     .performance(|it| it.thresholds(Thresholds { slow_p95, ..Thresholds::default() }))
    ///     .build()?;
    /// # drop(monitoring);
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    pub fn performance(
        mut self,
        settings: impl FnOnce(PerformanceMonitorBuilder) -> PerformanceMonitorBuilder,
    ) -> Self {
        self.monitors.performance = settings(self.monitors.performance);
        self
    }

    /// Changes the settings of the monitor of the process and of runtimes: its thresholds, the interval
    /// of the lag's measurement, and where the size of the heap comes from.
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::system::Thresholds;
    ///
    /// let monitoring = Monitoring::builder()
    ///     .system(|it| it.thresholds(Thresholds { memory_warn: 0.6, ..Thresholds::default() }))
    ///     .build()?;
    /// # drop(monitoring);
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    pub fn system(
        mut self,
        settings: impl FnOnce(SystemMonitorBuilder) -> SystemMonitorBuilder,
    ) -> Self {
        self.monitors.system = settings(self.monitors.system);
        self
    }

    /// Replaces the exporter, to set a prefix or constant labels: see [`Exporter::builder`].
    ///
    /// A naming that [`MonitoringBuilder::naming`] sets stays, whichever is called first.
    pub fn exposition(mut self, exporter: ExporterBuilder) -> Self {
        self.exporter = exporter;
        self
    }

    /// Makes the traces of requests, and of the timers that end in them, exemplars of what is
    /// recorded; by default there are none.
    ///
    /// ```
    /// use node0::{Monitoring, Traces};
    ///
    /// let monitoring = Monitoring::builder().traces(Traces::traceparent()).build()?;
    /// # Ok::<(), node0::BuildError>(())
    /// ```
    pub fn traces(mut self, traces: Traces) -> Self {
        self.registry = self.registry.traces(move || traces.current());
        self.traces = Some(traces);
        self
    }

    /// Builds everything and starts the sampling thread.
    ///
    /// # Errors
    /// [`BuildError`]; with the default settings only if the system cannot start a thread.
    pub fn build(self) -> Result<Monitoring, BuildError> {
        let monitoring = self.build_unsampled()?;
        let Inner { registry, stream, streaming, .. } = &*monitoring.inner;
        let aggregator = Aggregator::start(registry)?;
        let connections = monitoring.inner.max_connections;
        if let Some(started) = stream.start(registry, connections, || aggregator.subscribe())? {
            streaming.get_or_init(|| started);
        }
        *lock(&monitoring.inner.aggregator) = Some(aggregator);
        monitoring.watch_runtime();
        Ok(monitoring)
    }

    /// Builds everything without the sampling thread.
    pub(crate) fn build_unsampled(self) -> Result<Monitoring, BuildError> {
        let buckets = self.http.buckets.iter();
        let registry = buckets.fold(self.registry, |registry, bounds| {
            registry.buckets(REQUEST_DURATION.name(), bounds)
        });
        let registry = registry.build();
        let monitors = Monitors::register(&registry, self.monitors)?;
        let host = self.version.as_deref().unwrap_or_default();
        let build_info = registry.gauge(&BUILD_INFO, &[host, env!("CARGO_PKG_VERSION")])?;
        build_info.set(1.0);
        let history = self.history.map(|settings| settings.register(&registry)).transpose()?;
        let exporter = self.naming.into_iter().fold(self.exporter, ExporterBuilder::naming);
        let inner = Inner {
            alerts: self.alerts.register(&registry)?,
            runtime: Mutex::new(None),
            requests: requests(&registry, &monitors.performance, &self.http, self.traces)?,
            exporter: Arc::new(exporter.build()),
            history,
            page: self.page,
            stream: self.stream,
            http: self.http,
            max_connections: self.max_connections.unwrap_or_else(max_connections_by_descriptors),
            streaming: OnceLock::new(),
            version: self.version,
            readiness: OnceLock::new(),
            readiness_settings: Mutex::new(self.readiness),
            shutdown: OnceLock::new(),
            aggregator: Mutex::new(None),
            custom: Mutex::default(),
            _build_info: build_info,
            monitors,
            registry,
        };
        Ok(Monitoring { inner: Arc::new(inner) })
    }
}

/// Registers the request layer, which also records all requests as one operation.
fn requests(
    registry: &Registry,
    performance: &PerformanceMonitor,
    http: &HttpSettings,
    traces: Option<Traces>,
) -> Result<RequestLayer, RegisterError> {
    let latency = performance.latency(REQUEST_OPERATION)?;
    let throughput = performance.throughput(REQUESTS_OPERATION)?;
    let requests = RequestLayer::register(registry)?.operation(latency, throughput);
    let requests = match http.counts_failures {
        true => requests.failures(performance.failures(REQUESTS_OPERATION)?),
        false => requests,
    };
    let requests = http.apply_to(requests);
    Ok(match traces {
        Some(traces) => requests.traces(traces),
        None => requests,
    })
}
