//! The numbers of one circuit, read from a view for judgements and reports.

use std::sync::Arc;

use node0_metrics_core::{Named, View, lock};

use crate::cells::CircuitCells;
use crate::metrics::CircuitMetrics;
use crate::state::TransitionCount;
use crate::thresholds::Thresholds;

/// The numbers of one circuit in a view, and its present thresholds.
pub(crate) struct Reading {
    pub(crate) circuit: Arc<Named<CircuitCells>>,
    pub(crate) thresholds: Thresholds,
    pub(crate) metrics: CircuitMetrics,
    pub(crate) transitions: Vec<TransitionCount>,
}

impl Reading {
    pub(crate) fn of(circuit: Arc<Named<CircuitCells>>, view: &View<'_>) -> Self {
        let thresholds = *lock(&circuit.thresholds);
        let metrics = CircuitMetrics::read(&circuit, &thresholds, view);
        let transitions = circuit.states.read_transitions(view);
        Self { circuit, thresholds, metrics, transitions }
    }

    pub(crate) fn name(&self) -> &str {
        self.circuit.name()
    }

    /// Returns `true` if nothing was ever recorded.
    pub(crate) fn is_untried(&self) -> bool {
        let CircuitMetrics { successes, failures, timeouts, rejected, cancelled, .. } =
            self.metrics;
        [successes, failures, timeouts, rejected, cancelled] == [0; 5]
            && self.transitions.is_empty()
    }
}
