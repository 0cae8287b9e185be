//! The sampling thread of node0: ticks, published samples and events.
//!
//! A registry only changes when somebody ticks it. This crate does, on a thread
//! of its own, so that sampling takes no time from a runtime's workers and no
//! busy runtime delays a tick: each second it polls the monitors, ends the
//! registry's tick, publishes the sample and tells those who listen.
//!
//! Monitors are code of others. One that panics, takes longer than a
//! millisecond or never comes back is named in a metric and left out for ten
//! ticks; it holds neither the tick nor a runtime's worker nor a probe.
//!
//! What this crate does not know: any format, any protocol, any monitor.
//!
//! ```
//! use aggregator::Aggregator;
//! use metrics_core::{Event, Registry};
//!
//! let registry = Registry::new();
//! let aggregator = Aggregator::start(&registry)?;
//! let mut events = aggregator.subscribe();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let received = events.recv().await.expect("the aggregator lives");
//! assert!(matches!(received.event, Event::Sample(_)));
//! # });
//! assert_eq!(aggregator.listener_count(), 1);
//! # Ok::<(), aggregator::StartError>(())
//! ```
//!
//! | metric | what |
//! | --- | --- |
//! | `node0_monitor_poll_duration_seconds{topic}` | how long a monitor's poll took |
//! | `node0_monitor_poll_failures_total{topic,reason}` | polls that panicked, overran or hang |
//! | `node0_monitor_benched{topic}` | 1 while a monitor is left out |

mod aggregator;
mod events;
mod poller;
mod sampler;

use metrics_core::Desc;

pub use aggregator::{Aggregator, StartError};
pub use events::{Events, Received};
pub use poller::{BENCHED, POLL_DURATION, POLL_FAILURES};
pub use sampler::{Sampler, SamplerBuilder};

/// Every metric that this crate records.
pub const DESCS: &[&Desc] = &[&POLL_DURATION, &POLL_FAILURES, &BENCHED];
