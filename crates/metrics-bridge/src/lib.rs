//! Metrics of the `metrics` facade in node0, and node0's in any recorder of that facade.
//!
//! Many crates record through the macros of the [`metrics`] crate, and many services
//! have an exporter for it already. Both can be kept. There are three bridges, each
//! of use by itself:
//!
//! - A [`Recorder`] takes what the macros record into a
//!   [`Registry`](metrics_core::Registry). From there on those numbers are like
//!   all others: same page, same windows, same history.
//! - A [`Publisher`] sends a registry's families into whatever recorder is
//!   installed, for a service that keeps the exporter it has.
//! - An `Appendix` puts the page of an existing `metrics-exporter-prometheus` at
//!   the end of ours, without a name that is there twice.
//!
//! It does not know monitors, HTTP, who ticks, and who renders a sample.
//!
//! ```
//! use metrics::{Unit, counter, describe_histogram, histogram};
//! use metrics_bridge::Recorder;
//! use metrics_core::Registry;
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
//! # Ok::<(), metrics_core::RegisterError>(())
//! ```
//!
//! # How a metric of the facade is converted
//!
//! | there | here |
//! | --- | --- |
//! | `counter!` | a counter; `_total` ends its name |
//! | `gauge!` | a gauge; endings that readers reserve (`_total`, `_count`, `_sum`, `_bucket`, `_created`) are left off |
//! | `histogram!` in a unit of time, or named `…_seconds` | a [`Latency`](metrics_core::Latency) in seconds: up to [`Layout::LONGEST_LATENCY`](metrics_core::Layout::LONGEST_LATENCY), cells of each thread's own |
//! | any other `histogram!` | a [`Distribution`](metrics_core::Distribution) |
//! | a unit | its base unit: values are scaled, the name ends in `_seconds`, `_bytes` or `_ratio`; a counter of milliseconds stays one |
//! | a name or label key with other characters | `_` in their place; `metric_` or `label_` before a digit; labels `le` and `quantile` become `exported_…` |
//! | a label that a key lacks, and others of its name have | empty, which to Prometheus is the same |
//! | label sets beyond a cap | one series whose label values are all `_other` |
//!
//! The first description counts. One that comes after the metric's first series
//! cannot bring a unit that the name does not say: name and scale are settled then.
//!
//! A metric that cannot be taken is counted with its name and the reason, and its handle
//! does nothing: another kind than the name has (`kind`), a label key that it
//! has not (`labels`; see [`RecorderBuilder::labels`]), a name of which nothing is
//! allowed (`name`) or that is another metric's already (`name_taken`), no room
//! (`registry_full`), and a description that comes too late for its unit, or second
//! (`description`).
//!
//! # Metrics
//!
//! | metric | labels | what |
//! | --- | --- | --- |
//! | `node0_bridge_refused_total` | `metric`, `reason` | what of the facade was refused |
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
