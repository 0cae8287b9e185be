//! The sampling thread of node0: ticks, published samples and events.
//!
//! A registry publishes a sample only when it is ticked. This crate ticks it on a thread of
//! its own, so that sampling takes no time from a runtime's workers and a busy runtime does not
//! delay a tick. At the end of each [tick](node0_metrics_core::RegistryBuilder::tick) it sends the
//! events and the published sample to all subscribers, over a bounded channel. A subscriber
//! that does not keep up loses events; it delays neither the thread nor other subscribers.
//!
//! A reader that wants numbers more often asks by a [`Pace`] for samples between ticks.
//!
//! Monitors, observers and listeners are called by the core, on worker threads of the registry:
//! one that panics or hangs does not delay the tick. So is the log: its messages pass through
//! [`node0_log_relay`]. A panic that reaches the thread all the same is counted, and sampling goes on.
//!
//! This crate does not know any format, any protocol or any monitor.
//!
//! ```
//! use node0_aggregator::Aggregator;
//! use node0_metrics_core::{Event, Registry};
//!
//! let registry = Registry::new();
//! let aggregator = Aggregator::start(&registry)?;
//! let mut events = aggregator.subscribe();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let received = events.recv().await.expect("the aggregator lives");
//! assert!(matches!(received.event, Event::Sample(_)));
//! # });
//! assert_eq!(aggregator.listener_count(), 1);
//! # Ok::<(), node0_aggregator::StartError>(())
//! ```

mod aggregator;
mod events;
mod metrics;
mod sampler;
mod schedule;

pub use aggregator::{Aggregator, StartError};
pub use events::{Events, Received};
pub use metrics::{CLOCK_STEPS, DESCS, LOG_MESSAGES_LOST, SAMPLING_PANICS};
pub use sampler::Sampler;
pub use schedule::{Pace, SHORTEST_INTERVAL};
