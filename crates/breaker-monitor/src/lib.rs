//! Watches circuit breakers: states, transitions, failure rates and latencies.
//!
//! A circuit breaker decides if calls go through, and rarely shows the numbers behind its
//! decisions. This crate is not a breaker; it watches one. You report calls and changes of state
//! to a [`Circuit`] handle, in your own code or by an adapter. The handle records them in a
//! [`node0_metrics_core::Registry`], whose samples feed reports, health, findings, scrapes and streams.
//!
//! It does not know the rules of a breaker, exposition formats, HTTP or other monitors.
//!
//! ```
//! use node0_breaker_monitor::{BreakerMonitor, State, Thresholds};
//! use node0_metrics_core::{ManualClock, Registry};
//! use std::time::Duration;
//!
//! let clock = ManualClock::new();
//! let registry = Registry::builder().clock(clock.clock()).build();
//! let monitor = BreakerMonitor::register(&registry)?;
//! let payments = monitor.circuit("payment-service", Thresholds::default())?;
//!
//! // Hot: no lock, no allocation.
//! for _ in 0..49 {
//!     payments.success(Duration::from_millis(150));
//! }
//! payments.failure(Duration::from_secs(3), "connect");
//! payments.state_changed(State::Closed, State::Open, "failure threshold exceeded");
//!
//! // Rates are over whole ticks; here the first one ends.
//! clock.advance(Duration::from_secs(1));
//! let sample = registry.read();
//! let metrics = monitor.metrics(&sample, "payment-service").expect("it is registered");
//! assert_eq!(metrics.state, State::Open);
//! assert_eq!(metrics.failure_rate, Some(0.02));
//! assert_eq!(metrics.consecutive_failures, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Code that has no handle records by name: `monitor.record_success("payment-service", took)`.
//! [`BreakerMonitor::on_finding`] calls a listener when a circuit opens or crosses one of its
//! [`Thresholds`], and when that is over.
//!
//! # Metrics
//!
//! | metric | labels besides `circuit` |
//! | --- | --- |
//! | `circuit_breaker_state` | `state`: closed, open, half_open; 1 for one of them, 0 for the others |
//! | `circuit_breaker_transitions_total` | `from`, `to` |
//! | `circuit_breaker_state_seconds_total` | `state` |
//! | `circuit_breaker_calls_total` | `outcome`: success, failure, timeout, rejected, cancelled |
//! | `circuit_breaker_failures_total` | `kind`: those of the circuit, `_other` |
//! | `circuit_breaker_call_duration_seconds` | |
//! | `circuit_breaker_consecutive_failures`, `circuit_breaker_consecutive_failures_peak` | |
//! | `circuit_breaker_threshold_crossings_total` | `threshold`: failure_rate, consecutive_failures, average_latency |
//! | `circuit_breaker_unknown_circuits_total` | none, not even `circuit` |
//!
//! The time in the present state is updated once a tick.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `tower` | `RecordLayer`: records the calls of any service, also cancelled ones |
//! | `tower-resilience` | the module `tower_resilience`: listens to breakers of `tower-resilience-circuitbreaker` |

#[cfg(feature = "tower-resilience")]
pub mod tower_resilience;

mod call;
mod cells;
mod circuit;
mod descs;
mod judge;
#[cfg(feature = "tower")]
mod layer;
mod metrics;
mod monitor;
mod reading;
mod report;
mod state;
mod thresholds;
#[cfg(feature = "tower")]
mod verdict;
mod watch;

pub use call::{Call, Outcome};
pub use circuit::Circuit;
pub use descs::{
    CALL_DURATION, CALLS, CONSECUTIVE_FAILURES, CONSECUTIVE_FAILURES_PEAK, DESCS, FAILURES, STATE,
    STATE_SECONDS, THRESHOLD_CROSSINGS, TRANSITIONS, UNKNOWN_CIRCUITS,
};
#[cfg(feature = "tower")]
pub use layer::{Classify, ErrorsFail, RecordFuture, RecordLayer, RecordService};
pub use metrics::CircuitMetrics;
pub use monitor::{BreakerMonitor, FAILURE_KINDS, MAX_CIRCUITS, MAX_FAILURE_KINDS};
pub use state::{State, Transition};
pub use thresholds::Thresholds;
pub use watch::TOPIC;
