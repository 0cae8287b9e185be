//! The past of all metrics: a day of it, in a few megabytes, with exact percentiles.
//!
//! A [`History`] observes a registry. It keeps what each tick brought to each series: increments of
//! counters, values of gauges, counts by bucket of latencies. So a percentile over an hour is that
//! of all values of the hour, and not a mean of percentiles, and a rate is right across restarts of
//! a series.
//!
//! ```
//! use node0_history::{History, Matchers, Query};
//! use node0_metrics_core::{Desc, ManualClock, Registry};
//! use std::time::Duration;
//!
//! const RENDER: Desc = Desc::latency("render_duration_seconds", "Time to render a page.")
//!     .labels(&["page"]);
//!
//! let clock = ManualClock::new();
//! let registry = Registry::builder().clock(clock.clock()).build();
//! let history = History::register(&registry)?;
//!
//! // A minute of a service that renders its home page in 12 ms, and one of twenty in 80 ms.
//! let home = registry.latency(&RENDER, &["home"])?;
//! let mut ticker = registry.ticker()?;
//! for _ in 0..60 {
//!     (0..19).for_each(|_| home.record(Duration::from_millis(12)));
//!     home.record(Duration::from_millis(80));
//!     clock.advance(Duration::from_secs(1));
//!     ticker.tick();
//! }
//!
//! let query = Query::new("render_duration_seconds")
//!     .matching("{page=\"home\"}".parse::<Matchers>()?)
//!     .last(Duration::from_secs(60))
//!     .step(Duration::from_secs(20))
//!     .quantile(0.99);
//! let answer = history.query(&query)?;
//! assert_eq!(answer.timestamps.len(), 3);
//! let p99 = answer.series[0].values[2].expect("there were pages");
//! assert!((p99 - 0.080).abs() < 0.080 * 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept
//!
//! By default, intervals of a second for 5 minutes, of 10 s for an hour, and of a minute for a day
//! ([`Tier`]), in at most 10 MiB ([`HistoryBuilder::max_bytes`]). The first two tiers keep all
//! buckets, so percentiles of the last hour are within 0.8 % of the exact ones; the third joins pairs
//! of buckets, and its error is twice that. Each coarser interval is the sum of finer ones and keeps
//! the smallest and the largest value.
//!
//! # Gaps
//!
//! A tick that was not observed, or that took more than five periods because the process was stopped,
//! is a gap: its points are `None`, and no rate is divided by its time. What was counted during such a
//! tick is not in the history. A series that is gone stays readable for as long as its tiers keep it.
//!
//! # Cost
//!
//! Every interval is appended to a compressed block when it ends. A query shares these blocks, and
//! decompresses them on its own thread. `docs/design.md` has the figures.
//!
//! This crate knows samples alone: no monitor, no HTTP, no runtime.
//!
//! | metric | meaning |
//! | --- | --- |
//! | `node0_history_bytes` | memory that the history holds |
//! | `node0_history_series` | series that it has, also those that are gone |
//! | `node0_history_evicted_total` | intervals dropped before their time, for lack of room |
//! | `node0_history_refused_total` | times that a series found no room at a tick |

mod history;

mod answer;
mod matchers;
mod query;
mod stats;
mod tier;
mod when;

mod fold;
mod grid;
mod heat;
mod reading;

mod entry;
mod store;
mod timeline;
mod track;

use node0_metrics_core::Desc;

pub use answer::{Answer, AnsweredSeries, Resolution, Statistic};
pub use history::{BYTES, EVICTED, History, HistoryBuilder, REFUSED, SERIES};
pub use matchers::{MatcherError, Matchers};
pub use query::{MAX_POINTS, MAX_VALUES, Query, QueryError};
pub use stats::{Stats, TierStats};
pub use tier::Tier;
pub use when::{When, WhenError, duration};

/// Every metric that this crate records.
pub const DESCS: &[&Desc] = &[&BYTES, &SERIES, &EVICTED, &REFUSED];
