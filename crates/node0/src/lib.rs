//! Performance monitoring that lives inside Rust services.
//!
//! A [`Monitoring`] contains everything: recording, windows, the monitors of
//! operations, pools, caches, breakers and the process, the sampling thread, the
//! exporter, the endpoints and probes. Build it, and register the resources to
//! watch, here a circuit breaker:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use node0::Monitoring;
//!
//! # async fn order() -> &'static str { "tea" }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let monitoring = Monitoring::builder().version(env!("CARGO_PKG_VERSION")).build()?;
//! let payments = monitoring.breakers().circuit("payments", Default::default())?;
//! let app = Router::new()
//!     .route("/orders/{id}", get(order))
//!     .merge(monitoring.routes()?);
//! let listener = node0::bind("127.0.0.1:3000").await?;
//! monitoring.serve(listener, app).await?;
//! # drop(payments);
//! # Ok(())
//! # }
//! ```
//!
//! Prometheus scrapes `/metrics`, Kubernetes asks `/health/live` and
//! `/health/ready`, and people read `/health/performance`, `/metrics/database`,
//! `/metrics/cache`, `/metrics/circuit-breaker`, `/metrics/performance`,
//! `/metrics/system` and `/metrics/runtime`; `/metrics/history` has the past of each metric.
//! [`MonitoringBuilder::enable_streaming`] adds `/metrics/stream`, which sends the present to any
//! number of readers over WebSocket or as server-sent events.
//! [`MonitoringBuilder::live_page`] adds a page that shows all of it to people.
//! `/alerts` shows what is wrong by the rules of [`alerts::built_in`], which
//! [`MonitoringBuilder::alerting`] changes.
//! Recording takes one to three nanoseconds. A monitor that panics or hangs is
//! skipped, and no input of a client makes memory grow without bound.
//!
//! Each part is also a crate of its own: a service that already has an exporter
//! uses only `node0-db-pool-monitor`, for example. This crate adds the metric
//! `node0_build_info` and connects the parts; it has no other logic.
//!
//! # Testing
//!
//! [`Monitoring::testing`] has a manual clock, so that a test decides when a
//! second has passed:
//!
//! ```
//! use node0::Monitoring;
//! use std::time::Duration;
//!
//! let mut testing = Monitoring::testing();
//! testing.performance().record_throughput("jobs", 3);
//! testing.advance(Duration::from_secs(1));
//! assert_eq!(testing.value("operations_total", &[("operation", "jobs")]), Some(3.0));
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `deadpool` | [`MonitoredPool`]: a deadpool pool that records its waits and holds |
//! | `deadpool-postgres` | the module [`postgres`]: the time to connect, and a readiness check that has its own connection |
//! | `sqlx`, `bb8` | the modules `database::sqlx` and `database::bb8`: pools with the calls of theirs, by `attach_sqlx` and `attach_bb8` |
//! | `moka`, `redis` | the modules `cache::moka` and `cache::redis`: watched tiers; `RedisPool` runs a Redis tier over a watched pool |
//! | `tower`, `tower-resilience` | `breaker::RecordLayer`, and the module `breaker::tower_resilience` |
//! | `metrics` | the module `bridge`: records the metrics of the `metrics` facade in node0, and sends node0's metrics to a recorder of that facade |
//! | `prometheus-handle` | `bridge::Appendix`: appends the page of a `metrics-exporter-prometheus` to node0's page |
//! | `notify`, `notify-tls` | the module `notifier`: delivers alerts to Alertmanager and webhooks, also behind https |
//! | `tracing-opentelemetry` | `Traces::opentelemetry` and `RequestSpans`: exemplars lead to the traces of tracing-opentelemetry |
//! | `toml` | alert rules from a file: `AlertingBuilder::rules_file`, `Alerts::reload_file` |
#![cfg_attr(
    not(feature = "deadpool-postgres"),
    expect(rustdoc::broken_intra_doc_links, reason = "the module needs its feature")
)]

mod install;
mod monitoring;
mod monitors;
#[cfg(feature = "redis")]
mod redis_pool;
mod signal;
mod testing;

pub use install::{install, monitoring, performance};
pub use monitoring::{BUILD_INFO, BuildError, HttpSettings, Monitoring, MonitoringBuilder};
#[cfg(feature = "redis")]
pub use redis_pool::RedisPool;
pub use signal::stop_signal;
pub use testing::Testing;

pub use node0_alerting as alerts;
pub use node0_breaker_monitor as breaker;
pub use node0_cache_monitor as cache;
pub use node0_db_pool_monitor as database;
pub use node0_history as history;
#[cfg(feature = "metrics")]
pub use node0_metrics_bridge as bridge;
#[cfg(feature = "notify")]
pub use node0_notifier as notifier;
pub use node0_performance_monitor as performance;
#[cfg(feature = "tracing-opentelemetry")]
pub use node0_request_layer::RequestSpans;
pub use node0_request_layer::{AxumService, LongLived, RequestLayer, Traces, WatchedRouter};
pub use node0_streaming as streaming;
pub use node0_system_monitor as system;

pub use node0_aggregator::{Aggregator, Events, Received, Sampler, StartError};
pub use node0_alerting::Alerts;
#[cfg(feature = "deadpool")]
pub use node0_db_pool_monitor::deadpool::{BuildPoolError, MonitoredObject, MonitoredPool};
#[cfg(feature = "deadpool-postgres")]
pub use node0_db_pool_monitor::postgres;
pub use node0_db_pool_monitor::{
    Acquiring, AttachError, Checkout, PoolHandle, PoolLevels, PoolMetrics, PoolMonitor, PoolRates,
    Thresholds,
};
pub use node0_exporter::{
    Exporter, ExporterBuilder, Format, Json, Naming, NativeHistograms, Rendered, SettingError,
};
pub use node0_http_glue::{
    AlertPages, ApiError, BindError, CheckReport, CheckStatus, Credential, CredentialError,
    Endpoint, EndpointDesc, Gate, Index, LivePage, Mount, Network, NetworkError, Parameter, Query,
    Readiness, ReadinessBuilder, ReadinessReport, ReadinessStatus, RenderLimits, RenderSlots,
    Routes, RoutesError, Serve, Shutdown, StreamEndpoint, Surface, bind, serve,
};
pub use node0_metrics_core::{
    Alert, AlertCause, AlertChange, AlertState, AnyMetric, Assessment, Buckets, ByLabel, Classic,
    ClassicShape, Clock, Count, Counter, DEFAULT_CACHE, DEGRADED_FROM, Desc, Distribution, Event,
    Finding, FindingChange, FindingState, Gauge, HealthChange, Histogram, HitRatio, InFlight,
    Instance, InstanceError, InstanceHandle, InstanceName, Instances, Instrument, Judgement, Kind,
    LabelSet, Labels, Late, Latency, LatencySummary, LevelGauge, ManualClock, Measuring, Monitor,
    Named, NotReady, Observer, OwnedDesc, Peak, ReadinessCheck, RegisterError, Registry,
    RegistryBuilder, Report, Sample, Series, Severity, Snapshot, SpanId, Status, Timer, Timestamp,
    Topic, TraceContext, TraceId, Unit, UnknownTarget, UpDown, Value, View, Window, descs,
    instruments, label_set, levels,
};

/// The descriptions of all metrics that this crate records itself.
pub const DESCS: &[&Desc] = &[&BUILD_INFO];

/// The README's examples, compiled as tests.
#[cfg(all(doctest, feature = "deadpool-postgres"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide's examples, compiled as tests.
#[cfg(all(doctest, feature = "sqlx"))]
#[doc = include_str!("../../../docs/watch-a-pool.md")]
struct WatchAPool;

/// The guide's examples, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/history.md")]
struct AskTheHistory;

/// The page about native histograms, whose example is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/native-histograms.md")]
struct NativeHistogramsPage;

/// The page about traces, whose examples are compiled as tests.
#[cfg(all(doctest, feature = "tracing-opentelemetry"))]
#[doc = include_str!("../../../docs/traces.md")]
struct TracesPage;

/// The page about the live page, whose example is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/live-page.md")]
struct LivePageGuide;

/// The page about alerts, whose examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/alerts.md")]
struct AlertsPage;

/// The page about servers, TLS, proxies and settings, whose examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/integrate.md")]
struct FitIntoAService;

/// The page about who may read, whose examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/exposure.md")]
struct WhoMaySeeWhat;

/// The page about the stream, whose examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/streaming.md")]
struct StreamThePresent;
