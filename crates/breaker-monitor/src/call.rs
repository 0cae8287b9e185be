//! A guard for one call: from its start to its end, whatever the end is.
//!
//! A call that is simply dropped was cancelled by its caller and is counted as
//! such, with the time it took: those that were given up are often the slowest.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics_core::Moment;

use crate::cells::CircuitCells;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed, and how; a kind that the circuit was not made with is `_other`.
    Failure(&'static str),
    /// It did not end in time.
    Timeout,
    /// The breaker did not let it through.
    Rejected,
}

impl Outcome {
    pub(crate) fn record(self, cells: &CircuitCells, took: Duration) {
        match self {
            Self::Success => cells.success(took),
            Self::Failure(kind) => cells.failure(took, kind),
            Self::Timeout => cells.timeout(took),
            Self::Rejected => cells.calls.rejected.inc(),
        }
    }
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
/// let metrics = monitor.circuit_metrics(&registry.read(), "payment-service").unwrap();
/// assert_eq!((metrics.successes, metrics.failures, metrics.cancelled), (1, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a call records it as cancelled"]
pub struct Call {
    /// Taken by the call's end.
    cells: Option<Arc<CircuitCells>>,
    since: Moment,
}

impl Call {
    pub(crate) fn start(cells: Arc<CircuitCells>) -> Self {
        let since = cells.registry.clock().now();
        Self { cells: Some(cells), since }
    }

    /// Ends the call with what was wanted.
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
        if let Some(cells) = self.cells.take() {
            outcome.record(&cells, cells.registry.since(self.since));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(cells) = self.cells.take() {
            cells.cancelled(cells.registry.since(self.since));
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let circuit = self.cells.as_ref().map(|cells| &*cells.name);
        f.debug_struct("Call").field("circuit", &circuit).finish_non_exhaustive()
    }
}
