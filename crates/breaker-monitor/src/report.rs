//! The body of `GET /metrics/circuit-breaker`.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_core::{Assessment, OTHER, Timestamp, View, as_millis};
use serde::Serialize;

use crate::assess;
use crate::metrics::CircuitMetrics;
use crate::reading::Reading;
use crate::state::State;
use crate::states::Transition;
use crate::thresholds::Thresholds;
use crate::watch::TOPIC;

/// All circuits by name, or the one that `?service=` names.
#[derive(Serialize)]
pub(crate) struct CircuitsReport {
    timestamp: Timestamp,
    health: Assessment,
    circuits: Vec<CircuitReport>,
}

/// One circuit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CircuitReport {
    service: String,
    metrics: CircuitMetrics,
    failure_rate: Option<f64>,
    throughput: Option<f64>,
    health: Assessment,
    time_in_state: TimeInState,
    transitions: Vec<Transitions>,
    last_transition: Option<Transition>,
    failure_kinds: BTreeMap<&'static str, u64>,
    thresholds: Thresholds,
}

/// Milliseconds since the circuit was registered, up to the last tick or change of state.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimeInState {
    #[serde(serialize_with = "as_millis::serialize")]
    closed: Duration,
    #[serde(serialize_with = "as_millis::serialize")]
    open: Duration,
    #[serde(serialize_with = "as_millis::serialize")]
    half_open: Duration,
}

/// How often the state changed in one way.
#[derive(Serialize)]
struct Transitions {
    from: State,
    to: State,
    count: u64,
}

impl CircuitsReport {
    /// The topic's published health where there is one, so that all surfaces say the same.
    pub(crate) fn of_all(view: &View<'_>, circuits: &[Reading<'_>]) -> Self {
        let published = view.health(&TOPIC).cloned();
        Self {
            timestamp: view.at(),
            health: published.unwrap_or_else(|| assess::all(circuits)),
            circuits: circuits.iter().map(|circuit| CircuitReport::of(view, circuit)).collect(),
        }
    }

    pub(crate) fn of_one(view: &View<'_>, circuit: &Reading<'_>) -> Self {
        Self {
            timestamp: view.at(),
            health: assess::circuit(circuit),
            circuits: vec![CircuitReport::of(view, circuit)],
        }
    }
}

impl CircuitReport {
    fn of(view: &View<'_>, circuit: &Reading<'_>) -> Self {
        let [closed, open, half_open] = circuit.time_in_state;
        let kinds = &circuit.cells.kinds;
        let known = kinds.known.iter().map(|(kind, counter)| (*kind, counter));
        Self {
            service: circuit.name().to_owned(),
            metrics: CircuitMetrics::of(circuit),
            failure_rate: circuit.failure_rate(),
            throughput: circuit.throughput(),
            health: assess::circuit(circuit),
            time_in_state: TimeInState { closed, open, half_open },
            transitions: Transitions::of(circuit),
            last_transition: circuit.cells.states.last_transition(),
            failure_kinds: known
                .chain([(OTHER, &kinds.other)])
                .map(|(kind, counter)| (kind, view.counter(counter)))
                .collect(),
            thresholds: circuit.thresholds,
        }
    }
}

impl Transitions {
    /// Those that ever happened.
    fn of(circuit: &Reading<'_>) -> Vec<Self> {
        let ways = State::ALL.into_iter().flat_map(|from| State::ALL.map(|to| (from, to)));
        let counted = ways.map(|(from, to)| Self {
            from,
            to,
            count: circuit.transitions[from.index()][to.index()],
        });
        counted.filter(|transitions| transitions.count > 0).collect()
    }
}
