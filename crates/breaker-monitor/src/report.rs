//! The body of `GET /metrics/circuit-breaker`.

use std::collections::BTreeMap;
use std::time::Duration;

use node0_metrics_core::{Assessment, View, as_millis};
use serde::Serialize;

use crate::metrics::CircuitMetrics;
use crate::reading::Reading;
use crate::state::{State, Transition, TransitionCount};
use crate::thresholds::Thresholds;
use crate::watch::TOPIC;

/// All circuits by name, or the one that `?service=` names.
#[derive(Serialize)]
pub(crate) struct CircuitsReport {
    pub(crate) circuits: Vec<CircuitReport>,
}

/// One circuit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CircuitReport {
    service: String,
    metrics: CircuitMetrics,
    failure_rate: Option<f64>,
    throughput: Option<f64>,
    health: Assessment,
    time_in_state: TimeInState,
    transitions: Vec<TransitionCount>,
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

impl CircuitReport {
    pub(crate) fn of(view: &View<'_>, reading: Reading) -> Self {
        let Reading { circuit, thresholds, metrics, transitions } = reading;
        let time = circuit.states.read_time(view);
        let kinds = circuit.kinds.iter();
        Self {
            service: circuit.name().to_string(),
            failure_rate: metrics.failure_rate,
            throughput: metrics.throughput,
            metrics,
            health: view.component_health(&TOPIC, circuit.name()),
            time_in_state: TimeInState {
                closed: time[State::Closed],
                open: time[State::Open],
                half_open: time[State::HalfOpen],
            },
            transitions,
            last_transition: circuit.states.last_transition(),
            failure_kinds: kinds.map(|(kind, count)| (*kind, view.counter(count))).collect(),
            thresholds,
        }
    }
}
