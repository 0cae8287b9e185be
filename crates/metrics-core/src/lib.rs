//! Lock-free recording, exact windows and plain-data snapshots: the core of node0.
//!
//! **Register cold, record hot, read whole**: set-up may fail, recording cannot,
//! and a snapshot is plain data that all readers share.
//!
//! ```
//! use node0_metrics_core::{Desc, Registry};
//! use std::time::Duration;
//!
//! // What the metric means, once, checked by the compiler.
//! const RENDER: Desc = Desc::latency("render_duration_seconds", "Time to render a page.")
//!     .labels(&["page"]);
//!
//! // Cold: may fail, may allocate.
//! let registry = Registry::new();
//! let home = registry.latency(&RENDER, &["home"])?;
//!
//! // Hot: two plain adds in cells that only this thread writes.
//! home.record(Duration::from_millis(12));
//!
//! // Whole: one pass over the cells, shared by all readers.
//! let sample = registry.read();
//! let window = sample.view().latency(&home).expect("it is registered").window();
//! assert_eq!(window.samples(), 1);
//! let p99 = window.buckets().quantile(0.99).expect("there is a sample");
//! assert!((p99 - 0.012).abs() <= window.buckets().layout().error_at(0.012));
//! # Ok::<(), node0_metrics_core::RegisterError>(())
//! ```
//!
//! The first record of a thread allocates and takes locks. So a global allocator must not record: it
//! would call itself. Let it count in atomic numbers, and set a gauge from them elsewhere.
//!
//! Where label values come with each call, such as a method and a route, a
//! [`Labelled`] finds the handle for them, without a lock and without allocating.
//!
//! # From a record to a report
//!
//! 1. **Record.** Each thread has a *lane*: an array of *cells* that it alone writes. A counter
//!    is one word in it; a latency is a bucket and a sum. A record only adds. Nothing is rotated
//!    or reset at the end of a window, so a reader cannot miss anything.
//! 2. **Pass.** A *pass* sums each cell over all lanes and subtracts the total of the previous
//!    pass. One pass runs at a time. A record of a latency adds to its bucket first and to its
//!    sum second; a pass reads the sum first. So the buckets hold every record that the sum
//!    holds, and a series whose sum did not change has no new records.
//! 3. **Tick.** Once a second the [`Ticker`] closes the running *tick*. The most recent ticks
//!    that together have a thousand samples are the [`Window`] of a series. The [`Monitor`]s
//!    judge the numbers, a [`Sample`] is published, and each [`Observer`] sees it.
//! 4. **Read.** [`Registry::latest`] returns the published sample, for streams, probes and
//!    health. [`Registry::read`] returns the sample of a pass that began after the call, for
//!    scrapes and reports: it includes everything that the caller recorded before the call.
//!    Totals and windows are sums of the same differences, so all readers agree.
//!
//! No count is lost at the edges:
//!
//! - A thread that ends leaves its lane, with its counts, to the next thread.
//! - A bucket has 16 bits. Before it overflows, its count moves to a larger block of buckets,
//!   under a lock that passes take too.
//! - A thread beyond the byte budget, or in its last destructors, adds to cells that all
//!   threads share.
//! - A series whose last handle is dropped is sampled once more before it is removed, and its
//!   cells are cleared before another series gets them.
//! - Label values beyond a cap are counted in the series `_other`.
//!
//! `models.rs` checks these promises in every order of threads, and `tests/it/proof.rs` compares
//! windows and totals with an oracle that keeps every sample.
//!
//! # Guests: code that the core calls
//!
//! Monitors, observers, listeners and readiness checks are *guests*: code that the core calls
//! and does not know. The registry calls monitors, observers and listeners on worker threads, with
//! a timeout; checks run where the probes are served. When a guest panics, overruns its time budget
//! or does not return, a metric with its name counts the failure. A call that a tick makes is then
//! skipped for some ticks, and the tick goes on.
//!
//! # Not in this crate
//!
//! The core knows no pools, caches, breakers, text formats, HTTP or async runtime. The one
//! exception is the description [`CACHE_GETS`]: two monitors that do not depend on each other
//! record into that family, so they share its description here.
//!
//! # Metrics of the core itself
//!
//! | metric | meaning |
//! | --- | --- |
//! | `node0_health_score`, `node0_component_health_score{component}` | health score from 0 to 100, after hysteresis |
//! | `node0_guest_call_duration_seconds{guest,call}` | duration of calls into guests |
//! | `node0_guest_failures_total{guest,call,reason}` | calls into guests that panicked, overran their budget or did not return |
//! | `node0_guest_skipped{guest,call}` | 1 while a call is skipped because it failed |
//! | `node0_sampling_duration_seconds` | duration of passes |
//! | `node0_sample_age_seconds` | time since the last tick |
//! | `node0_recording_threads` | threads that hold a lane |
//! | `node0_recording_bytes` | memory of all lanes, cells and windows |
//! | `node0_thinned_series` | latencies and distributions that are less exact because that memory reached its budget |
//! | `node0_series_folded_total{metric}` | label sets folded into `_other` at a cap |
//! | `node0_values_clamped_total` | values that were recorded as the largest that a cell can hold |
//! | `node0_values_dropped_total` | values that were refused: negative, not finite, or without a series |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `hdrhistogram` | conversions between [`Buckets`] and `hdrhistogram::Histogram`, and its V2 form |

pub mod as_millis;

mod clock;
mod engine;
mod instances;
mod instruments;
mod judging;
#[cfg(all(test, loom))]
mod models;
mod naming;
mod reading;
mod recording;
mod registry;
mod sync;
mod ticker;

pub use clock::{Clock, ManualClock, Moment, Timestamp};
pub use instances::{Instance, InstanceError, InstanceHandle, Instances, Named};
pub use instruments::Instrument;
pub use instruments::late::Late;
pub use instruments::levels::LevelGauge;
pub use judging::alert::{Alert, AlertCause, AlertChange, AlertState, HeldBack, HeldReason};
pub use judging::assessment::{Assessment, HealthBlock};
pub use judging::board::{COMPONENT_HEALTH_SCORE, HEALTH_SCORE};
pub use judging::contained::{Contained, Waiter};
pub use judging::event::{Event, HealthChange};
pub use judging::finding::{Finding, FindingChange, FindingState, Severity};
pub use judging::finding_series::FINDINGS;
pub use judging::guarded_call::GuardedCall;
pub use judging::guest::{
    GUEST_CALL_DURATION, GUEST_FAILURES, GUEST_SKIPPED, GuestCall, GuestError, Panicked, contain,
    discard,
};
pub use judging::health::{ComponentHealth, Overall, TopicHealth};
pub use judging::judgement::Judgement;
pub use judging::monitor::Monitor;
pub use judging::observer::Observer;
pub use judging::readiness::{NotReady, ReadinessCheck};
pub use judging::report::{Report, ReportError, TopicReport, UnknownTarget};
pub use judging::status::{DEGRADED_FROM, HEALTHY_ABOVE, Status};
pub use judging::topic::{StatusWords, Topic};
pub use naming::by_label::ByLabel;
pub use naming::cache_gets::{CACHE_GETS, DEFAULT_CACHE};
pub use naming::desc::{
    Classic, ClassicShape, DEFAULT_LATENCY_BOUNDS, Desc, DescError, Kind, MAX_HELP_BYTES,
    MAX_LABEL_KEY_BYTES, MAX_LABELS, MAX_NAME_BYTES, OwnedDesc, Unit,
};
pub use naming::instance_name::{InstanceName, InvalidName};
pub use naming::label_set::LabelSet;
pub use naming::labels::{Labels, MAX_LABEL_VALUE_BYTES, OTHER};
pub use naming::series_id::SeriesId;
pub use reading::buckets::Buckets;
pub use reading::delta::Delta;
#[cfg(feature = "hdrhistogram")]
pub use reading::hdr::HdrError;
pub use reading::histogram::{Histogram, Window};
pub use reading::pass::{
    RECORDING_BYTES, RECORDING_THREADS, SAMPLE_AGE, SAMPLING_DURATION, THINNED_SERIES,
    VALUES_CLAMPED, VALUES_DROPPED,
};
pub use reading::sample::{Sample, View};
pub use reading::snapshot::{Count, Family, Series, SeriesSet, Snapshot, Value};
pub use reading::summary::{LatencySummary, millis};
pub use recording::counter::Counter;
pub use recording::distribution::Distribution;
pub use recording::exemplar::{Exemplar, SpanId, TraceContext, TraceId};
pub use recording::families::SERIES_FOLDED;
pub use recording::gauge::Gauge;
pub use recording::hit_ratio::HitRatio;
pub use recording::kinds::AnyMetric;
pub use recording::labelled::{Handle, Labelled};
pub use recording::latency::Latency;
pub use recording::layout::Layout;
pub use recording::peak::Peak;
pub use recording::register_error::RegisterError;
pub use recording::timer::Timer;
pub use recording::up_down::{InFlight, UpDown};
pub use registry::{Measuring, Registry, RegistryBuilder};
pub use sync::lock;
pub use ticker::{AlreadyTicking, Tick, Ticker};

/// Every metric that the core itself records.
pub const DESCS: &[&Desc] = &[
    &SERIES_FOLDED,
    &HEALTH_SCORE,
    &COMPONENT_HEALTH_SCORE,
    &FINDINGS,
    &GUEST_CALL_DURATION,
    &GUEST_FAILURES,
    &GUEST_SKIPPED,
    &SAMPLING_DURATION,
    &SAMPLE_AGE,
    &RECORDING_THREADS,
    &RECORDING_BYTES,
    &THINNED_SERIES,
    &VALUES_CLAMPED,
    &VALUES_DROPPED,
];
