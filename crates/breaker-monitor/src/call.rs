//! A guard for one call, from its start to its end.
//!
//! A call that is dropped was cancelled by its caller and is counted as such. Its duration is
//! recorded too, since cancelled calls are often the slowest.

use std::sync::Arc;

use node0_metrics_core::{Moment, Named};

use crate::cells::CircuitCells;

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call succeeded.
    Success,
    /// The call failed, with the kind of failure; a kind that the circuit does not have counts as `_other`.
    Failure(&'static str),
    /// The call did not end in time.
    Timeout,
    /// The breaker rejected the call; its duration is not recorded.
    Rejected,
    /// The caller cancelled the call; it counts for the latency and for no rate.
    Cancelled,
}

/// A call that has not ended.
///
/// ```
/// use node0_breaker_monitor::{BreakerMonitor, Thresholds};
/// use node0_metrics_core::Registry;
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
    /// The circuit; not as a handle, so that a call in flight does not keep the name taken.
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

    /// Ends the call as a success.
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

    /// Ends the call because the breaker rejected it; its duration is not recorded.
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
