//! Connects the `metrics` facade with node0, in both directions.
//!
//! Many crates record through the macros of the [`metrics`] crate, and many services
//! already have an exporter for it. You can keep both. There are three bridges, each
//! useful by itself:
//!
//! - A [`Recorder`] records the values of the macros into a
//!   [`Registry`](node0_metrics_core::Registry). They are then treated like all other
//!   metrics: the same page, windows and history.
//! - A [`Publisher`] sends a registry's metrics to the installed recorder, for a
//!   service that keeps its present exporter.
//! - An `Appendix` adds the page of an existing `metrics-exporter-prometheus` to the
//!   end of node0's page, and skips names that are already there.
//!
//! This crate knows no monitors, no HTTP and no ticker, and no exporter but the one of
//! `Appendix`.
//!
//! ```
//! use metrics::{Unit, counter, describe_histogram, histogram};
//! use node0_metrics_bridge::Recorder;
//! use node0_metrics_core::Registry;
//!
//! let registry = Registry::new();
//! let recorder = Recorder::register(&registry)?;
//!
//! // A service calls `recorder.install()` once instead, and all threads record.
//! metrics::with_local_recorder(&recorder, || {
//!     describe_histogram!("render.time_ms", Unit::Milliseconds, "Time to render a page.");
//!     histogram!("render.time_ms", "page" => "home").record(12.0);
//!     counter!("renders", "page" => "home").increment(1);
//! });
//!
//! let sample = registry.read();
//! let home = [("page", "home")];
//! let renders = sample.snapshot.value("renders_total", &home).expect("it was counted");
//! assert_eq!(renders.as_f64(), 1.0);
//! let time = sample.snapshot.family("render_time_seconds").expect("it was recorded");
//! assert_eq!(time.desc.help, "Time to render a page.");
//! # Ok::<(), node0_metrics_core::RegisterError>(())
//! ```
//!
//! # Conversion of metrics of the facade
//!
//! | `metrics` | node0 |
//! | --- | --- |
//! | `counter!` | a counter; its name gets the suffix `_total` |
//! | `gauge!` | a gauge; a name with a reserved suffix (`_total`, `_count`, `_sum`, `_bucket`, `_created`) gets `_value` after it |
//! | `histogram!` in a unit of time, or named `…_seconds` | a [`Latency`](node0_metrics_core::Latency) in seconds, up to [`Layout::LONGEST_LATENCY`](node0_metrics_core::Layout::LONGEST_LATENCY) |
//! | any other `histogram!` | a [`Distribution`](node0_metrics_core::Distribution) |
//! | a unit | its base unit: values are scaled, the name ends in `_seconds`, `_bytes` or `_ratio`; a counter keeps a unit that would have to be divided, such as milliseconds |
//! | a name or label key with other characters | `_` in their place; `metric_` or `label_` before a digit; labels `le` and `quantile` become `exported_…` |
//! | a label that some keys of a name lack | an empty value, which Prometheus treats as absent |
//! | label sets beyond a cap | one series whose label values are all `_other` |
//!
//! Only the first description of a name is used. A description that comes after the metric's
//! first series cannot change the unit any more, since name and scale are fixed by then.
//!
//! The facade cannot return errors. A metric that cannot be recorded is counted with its
//! name and the reason, and its handle does nothing. The reasons are:
//!
//! - `kind`: the name is registered with another kind;
//! - `labels`: the name does not have this label key, see [`RecorderBuilder::labels`];
//! - `name`: no character of the name is allowed;
//! - `name_taken`: another metric has the converted name;
//! - `registry_full`: the registry has its maximum of names;
//! - `description`: a second description, or a unit that comes too late.
//!
//! # Metrics
//!
//! | metric | labels | meaning |
//! | --- | --- | --- |
//! | `node0_bridge_refused_total` | `metric`, `reason` | metrics and descriptions that were refused |
//! | `node0_bridge_appendix_families_skipped_total` | | families left out of an appendix |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `prometheus-handle` | `Appendix`, for the page of a `metrics_exporter_prometheus::PrometheusHandle` |

#[cfg(feature = "prometheus-handle")]
mod appendix;
mod descs;
mod directory;
mod meaning;
mod name;
#[cfg(feature = "prometheus-handle")]
mod page;
mod publisher;
mod recorder;
mod sent;
mod series;
mod thread;
mod unit;

#[cfg(feature = "prometheus-handle")]
pub use appendix::{Appended, Appendix, append_page};
pub use descs::{APPENDIX_FAMILIES_SKIPPED, DESCS, REFUSED};
pub use publisher::Publisher;
pub use recorder::{AlreadyInstalled, Recorder, RecorderBuilder};
