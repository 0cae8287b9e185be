//! Lock-free recording, exact windows and plain-data snapshots: the core of node0.
//!
//! **Register cold, record hot, read whole**: set-up may fail, recording cannot,
//! and a snapshot is plain data that all readers share.
//!
//! ```
//! use metrics_core::{Desc, Registry};
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
//! // Whole: one pass over the cells, for everyone who reads.
//! let sample = registry.read();
//! let window = &sample.view().latency(&home).expect("it is registered").window();
//! assert_eq!(window.samples(), 1);
//! assert!((window.buckets().quantile(0.99).unwrap() - 0.012).abs() < 0.000_12);
//! # Ok::<(), metrics_core::RegisterError>(())
//! ```
//!
//! Where label values come with each call, such as a method and a route, a
//! [`Labelled`] finds the handle for them, without a lock and without allocating.
//!
//! # How a sample travels
//!
//! 1. **Record.** A record lands in the calling thread's *lane*: a counter in one
//!    word, a latency in a bucket and then in a sum. No other thread writes there,
//!    and cells only ever grow: nothing is rotated or cleared where values are
//!    recorded, so there is nothing that a reader could miss.
//! 2. **Pass.** One pass at a time sums each cell over all lanes and takes the
//!    difference to the pass before. A latency's sum is published after its
//!    bucket, and read before it: what is in the sum is in the buckets, and an
//!    unchanged sum says that nothing was recorded.
//! 3. **Tick.** Once a second, by whoever holds the [`Ticker`], the difference
//!    since the last tick is closed. The last of these *ticks* that together have
//!    a thousand samples are the [`Window`]; the [`Monitor`]s judge it, and a
//!    [`Sample`] is published.
//! 4. **Read.** [`Registry::latest`] is that sample, for streams, probes and
//!    health. [`Registry::read`] is the result of a pass that began after the
//!    call, for scrapes and reports: it has all that its caller recorded. Totals
//!    and windows are made of the same differences, so all readers agree.
//!
//! Nothing is lost where something ends. A thread that ends leaves its lane, with
//! its counts, to the next thread. A bucket that fills its 32 bits is moved to the
//! series' retired totals, under a lock that passes take too. A thread beyond the
//! byte budget, or in its last destructors, adds to cells that all threads share.
//! A series whose last handle is dropped is sampled once more before it goes, and
//! its cells are cleared before they are another's. Label values beyond a cap are
//! counted in the series `_other`.
//!
//! `models.rs` has these promises explored in every order of threads, and
//! `tests/it/proof.rs` holds windows and totals against an oracle.
//!
//! # What it refuses to know
//!
//! Pools, caches, breakers, text formats, HTTP, and any runtime. Only the description
//! [`CACHE_GETS`] is here, since monitors that never know each other record into it.
//!
//! # What it says of itself
//!
//! | metric | what |
//! | --- | --- |
//! | `node0_health_score`, `node0_component_health_score{component}` | believed health, 0 to 100 |
//! | `node0_monitor_panics_total{topic,call}` | what panicked in code of monitors, and was contained |
//! | `node0_sampling_duration_seconds` | how long passes take |
//! | `node0_recording_threads` | how many threads hold cells to record into |
//! | `node0_recording_bytes` | what the cells of all threads weigh |
//! | `node0_series_folded_total{metric}` | label sets folded into `_other` at a cap |
//! | `node0_values_clamped_total`, `node0_values_dropped_total` | values that no cell can hold |

pub mod as_millis;

mod clock;
mod engine;
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
pub use judging::counted_monitor::MONITOR_PANICS;
pub use judging::event::{Event, HealthChange};
pub use judging::health::{
    Assessment, DEGRADED_FROM, HEALTHY_ABOVE, Issue, Overall, Recommendation, Severity, Status,
    TopicHealth,
};
pub use judging::health_board::{COMPONENT_HEALTH_SCORE, HEALTH_SCORE};
pub use judging::monitor::{Monitor, Report, Topic, UnknownTarget};
pub use judging::readiness::{NotReady, ReadinessCheck};
pub use naming::cache_gets::{CACHE_GETS, DEFAULT_CACHE};
pub use naming::desc::{
    Classic, ClassicShape, DEFAULT_LATENCY_BOUNDS, Desc, DescError, Kind, OwnedDesc, Unit,
};
pub use naming::labels::{Labels, MAX_LABEL_VALUE_BYTES, OTHER, broken_name_rule};
pub use reading::buckets::Buckets;
pub use reading::pass::{
    RECORDING_BYTES, RECORDING_THREADS, SAMPLING_DURATION, VALUES_CLAMPED, VALUES_DROPPED,
};
pub use reading::sample::{ReportError, Sample, View};
pub use reading::snapshot::{Count, Family, Histogram, SeriesSet, Snapshot, Value};
pub use reading::summary::{LatencySummary, millis};
pub use reading::window::Window;
pub use recording::any_metric::AnyMetric;
pub use recording::counter::Counter;
pub use recording::distribution::Distribution;
pub use recording::exemplar::{Exemplar, TraceId};
pub use recording::families::{RegisterError, SERIES_FOLDED};
pub use recording::gauge::Gauge;
pub use recording::hit_ratio::HitRatio;
pub use recording::labelled::{Handle, Labelled};
pub use recording::latency::Latency;
pub use recording::peak::Peak;
pub use recording::timer::Timer;
pub use recording::up_down::{InFlight, UpDown};
pub use registry::{Measuring, Registry, RegistryBuilder};
pub use ticker::{AlreadyTicking, Tick, Ticker};

/// Every metric that the core itself records.
pub const DESCS: &[&Desc] = &[
    &SERIES_FOLDED,
    &HEALTH_SCORE,
    &COMPONENT_HEALTH_SCORE,
    &MONITOR_PANICS,
    &SAMPLING_DURATION,
    &RECORDING_THREADS,
    &RECORDING_BYTES,
    &VALUES_CLAMPED,
    &VALUES_DROPPED,
];
