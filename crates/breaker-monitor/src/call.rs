//! A guard for one call, from its start to its end.
//!
//! A call that is simply dropped was cancelled by its caller. It is counted as such, and with
//! its time: calls that are given up are often the slowest.

use std::sync::Arc;

use metrics_core::{Moment, Named};

use crate::cells::CircuitCells;

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call succeeded.
    Success,
    /// The call failed in this way; a kind that the circuit was not made with counts as `_other`.
    Failure(&'static str),
    /// The call did not end in time.
    Timeout,
    /// The breaker did not let the call through; its time is not recorded.
    Rejected,
    /// The caller gave the call up; it counts for the latency and for no rate.
    Cancelled,
}

/// A call that has not ended.
///
/// ```
/// use breaker_monitor::{BreakerMonitor, Thresholds};
/// use metrics_core::Registry;
///
/// let registry = Registry::new();
/// let monitor = BreakerMonitor::register(&registry)?;
/// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
/// circuit.start().success();
/// circuit.start().failure("connect");
/// drop(circuit.start());
/// let metrics = monitor.metrics(&registry.read(), "payment-service").unwrap();
/// assert_eq!((metrics.successes, metrics.failures, metrics.cancelled), (1, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping a call records it as cancelled"]
pub struct Call {
    /// No handle, since a call in flight keeps no name taken.
    circuit: Arc<Named<CircuitCells>>,
    since: Moment,
    /// The outcome that the drop records: cancelled, unless the call was ended.
    outcome: Outcome,
}

impl Call {
    pub(crate) fn start(circuit: Arc<Named<CircuitCells>>) -> Self {
        let since = circuit.registry.clock().now();
        Self { circuit, since, outcome: Outcome::Cancelled }
    }

    /// Ends the call with the result that was wanted.
    pub fn success(self) {
        self.end(Outcome::Success);
    }

    /// Ends the call with a failure of some kind.
    pub fn failure(self, kind: &'static str) {
        self.end(Outcome::Failure(kind));
    }

    /// Ends the call because it took too long.
    pub fn timeout(self) {
        self.end(Outcome::Timeout);
    }

    /// Ends the call because the breaker did not let it through; its time is not recorded.
    pub fn rejected(self) {
        self.end(Outcome::Rejected);
    }

    /// Ends the call.
    pub fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.circuit.record(self.circuit.registry.since(self.since), self.outcome);
    }
}
