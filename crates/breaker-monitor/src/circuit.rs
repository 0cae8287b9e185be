//! The handle of one circuit, on which calls and changes of state are recorded.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::call::{Call, Outcome};
use crate::cells::CircuitCells;
use crate::state::State;
use crate::states::Transition;
use crate::thresholds::Thresholds;

/// A handle to a watched circuit; clones share everything.
///
/// Recording a call takes no lock and allocates nothing. With the last handle
/// the circuit's series go at the next tick, and its name is free at once.
///
/// ```
/// use breaker_monitor::{BreakerMonitor, Thresholds};
/// use metrics_core::Registry;
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let monitor = BreakerMonitor::register(&registry)?;
/// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
/// let same = circuit.clone();
/// circuit.failure(Duration::from_secs(3), "connect");
/// same.failure(Duration::from_secs(3), "connect");
/// let metrics = monitor.circuit_metrics(&registry.read(), "payment-service");
/// assert_eq!(metrics.map(|metrics| metrics.consecutive_failures), Some(2));
///
/// drop((circuit, same));
/// assert!(monitor.circuits().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a circuit is watched as long as a handle to it lives"]
pub struct Circuit {
    cells: Arc<CircuitCells>,
}

impl Circuit {
    /// The first handle to new cells.
    pub(crate) fn new(cells: Arc<CircuitCells>) -> Self {
        Self { cells }
    }

    /// One more handle to cells that still have one.
    pub(crate) fn another(cells: Arc<CircuitCells>) -> Option<Self> {
        let one_more = |handles| (handles > 0).then_some(handles + 1);
        let living = cells.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        living.is_ok().then_some(Self { cells })
    }

    #[cfg(feature = "tower-resilience")]
    pub(crate) fn cells(&self) -> &Arc<CircuitCells> {
        &self.cells
    }

    /// The name by which the circuit was registered.
    pub fn name(&self) -> &str {
        &self.cells.name
    }

    /// Records a call that succeeded.
    #[inline]
    pub fn success(&self, took: Duration) {
        self.cells.success(took);
    }

    /// Records a call that failed, and how; a kind that the circuit was not made with is `_other`.
    pub fn failure(&self, took: Duration, kind: &str) {
        self.cells.failure(took, kind);
    }

    /// Records a call that did not end in time.
    pub fn timeout(&self, took: Duration) {
        self.cells.timeout(took);
    }

    /// Records a call that the breaker did not let through.
    pub fn rejected(&self) {
        self.cells.calls.rejected.inc();
    }

    /// Records a call that its caller gave up; it counts for the latency and for no rate.
    pub fn cancelled(&self, took: Duration) {
        self.cells.cancelled(took);
    }

    /// Records a call by its outcome.
    pub fn record(&self, took: Duration, outcome: Outcome) {
        outcome.record(&self.cells, took);
    }

    /// Starts timing a call; the guard records how it ends.
    pub fn start(&self) -> Call {
        Call::start(self.cells.clone())
    }

    /// Starts timing a call, unless guards and layers are switched off.
    #[cfg(feature = "tower")]
    pub(crate) fn measure(&self) -> Option<Call> {
        self.cells.registry.is_measuring().then(|| self.start())
    }

    /// Records that the breaker went from one state to another.
    ///
    /// The change is counted as it is told, also when another state was known;
    /// one from a state to itself is none. Tell changes in their order: the last
    /// one told is the state that is shown. Takes a lock that only other changes
    /// of this circuit, its poll and its report take.
    pub fn state_changed(&self, from: State, to: State, reason: impl Into<Cow<'static, str>>) {
        self.cells.states.change(Some(from), to, reason.into());
    }

    /// Records the breaker's state, for those who do not know the one before; see [`Self::state_changed`].
    pub fn set_state(&self, state: State, reason: impl Into<Cow<'static, str>>) {
        self.cells.states.change(None, state, reason.into());
    }

    /// The state that was told last; [`State::Closed`] at first.
    pub fn state(&self) -> State {
        self.cells.states.current()
    }

    /// The last change of state, if there was one.
    pub fn last_transition(&self) -> Option<Transition> {
        self.cells.states.last_transition()
    }

    /// What the circuit is judged by.
    pub fn thresholds(&self) -> Thresholds {
        self.cells.thresholds()
    }

    /// Changes what the circuit is judged by, from the next judgement on.
    pub fn set_thresholds(&self, thresholds: Thresholds) {
        self.cells.set_thresholds(thresholds);
    }
}

impl Clone for Circuit {
    fn clone(&self) -> Self {
        // As for the counts of `Arc`: whoever adds one has one, so it cannot be zero.
        self.cells.handles.fetch_add(1, Ordering::Relaxed);
        Self { cells: self.cells.clone() }
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        // What is free is a name, which orders nothing; the registry orders what was recorded.
        self.cells.handles.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
