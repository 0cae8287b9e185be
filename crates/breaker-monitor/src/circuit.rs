//! The handle of one circuit, on which calls and changes of state are recorded.

use std::borrow::Cow;
use std::time::Duration;

use node0_metrics_core::{InstanceHandle, lock};

use crate::call::{Call, Outcome};
use crate::cells::CircuitCells;
use crate::state::{State, Transition};
use crate::thresholds::Thresholds;

/// A handle to a watched circuit; clones share everything.
///
/// Recording a call takes no lock and allocates nothing. When the last handle is dropped, the
/// circuit's series are removed at the next tick, and its name is free at once.
///
/// ```
/// use node0_breaker_monitor::{BreakerMonitor, Thresholds};
/// use node0_metrics_core::Registry;
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let monitor = BreakerMonitor::register(&registry)?;
/// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
/// let same = circuit.clone();
/// circuit.failure(Duration::from_secs(3), "connect");
/// same.failure(Duration::from_secs(3), "connect");
/// let metrics = monitor.metrics(&registry.read(), "payment-service");
/// assert_eq!(metrics.map(|metrics| metrics.consecutive_failures), Some(2));
///
/// drop((circuit, same));
/// assert!(monitor.circuits().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a circuit is watched as long as a handle to it lives"]
pub struct Circuit(pub(crate) InstanceHandle<CircuitCells>);

impl Circuit {
    /// Returns the name of the circuit.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Records a call by its outcome.
    #[inline]
    pub fn record(&self, took: Duration, outcome: Outcome) {
        self.0.record(took, outcome);
    }

    /// Records a call that succeeded.
    #[inline]
    pub fn success(&self, took: Duration) {
        self.record(took, Outcome::Success);
    }

    /// Records a call that failed; a kind that the circuit does not have counts as `_other`.
    pub fn failure(&self, took: Duration, kind: &str) {
        self.0.failure(took, kind);
    }

    /// Records a call that did not end in time.
    pub fn timeout(&self, took: Duration) {
        self.record(took, Outcome::Timeout);
    }

    /// Records a call that the breaker rejected.
    pub fn rejected(&self) {
        self.record(Duration::ZERO, Outcome::Rejected);
    }

    /// Records a call that its caller cancelled; it counts for the latency and for no rate.
    pub fn cancelled(&self, took: Duration) {
        self.record(took, Outcome::Cancelled);
    }

    /// Starts timing a call; the guard records its end.
    pub fn start(&self) -> Call {
        Call::start(self.0.shared().clone())
    }

    /// Records that the breaker went from one state to another.
    ///
    /// The transition is counted from `from`, even if the last known state differs; a
    /// transition from a state to itself is ignored. Report changes in order, since the last
    /// one is shown. The call takes a lock that calls never take: only changes of state, polls
    /// and reports of this circuit do.
    pub fn state_changed(&self, from: State, to: State, reason: impl Into<Cow<'static, str>>) {
        self.0.states.change(Some(from), to, reason.into());
    }

    /// Records the breaker's state if the state before is not known; see [`Self::state_changed`].
    pub fn set_state(&self, state: State, reason: impl Into<Cow<'static, str>>) {
        self.0.states.change(None, state, reason.into());
    }

    /// The state that was reported last; [`State::Closed`] at first.
    pub fn state(&self) -> State {
        self.0.states.current()
    }

    /// The last change of state, if there was one.
    pub fn last_transition(&self) -> Option<Transition> {
        self.0.states.last_transition()
    }

    /// The thresholds that the circuit is judged by.
    pub fn thresholds(&self) -> Thresholds {
        *lock(&self.0.thresholds)
    }

    /// Replaces the thresholds, from the next judgement on.
    pub fn set_thresholds(&self, thresholds: Thresholds) {
        *lock(&self.0.thresholds) = thresholds;
    }
}
