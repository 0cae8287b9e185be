//! The sampling thread of node0: ticks, published samples and events.
//!
//! A registry only changes when somebody ticks it. This crate does, on a thread of its own, so
//! that sampling takes no time from a runtime's workers and no busy runtime delays a tick. Once
//! per [length of a tick](metrics_core::RegistryBuilder::tick) it ends the registry's tick and
//! sends the events and the published sample to all who subscribed, over a bounded channel that
//! waits for nobody.
//!
//! Calls into monitors, observers and listeners are the core's business: it runs them where one
//! that panics or hangs holds nobody.
//!
//! This crate does not know any format, any protocol or any monitor. It records no metric of its
//! own.
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

mod aggregator;
mod events;
mod sampler;

pub use aggregator::{Aggregator, StartError};
pub use events::{Events, Received};
pub use sampler::Sampler;
