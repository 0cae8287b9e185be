//! The meaning of each metric of a circuit.

use node0_metrics_core::{Classic, ClassicShape, Desc, Unit, descs};

descs! {
    /// The state, one-hot.
    pub const STATE: Desc = Desc::gauge(
        "circuit_breaker_state",
        "1 for the state that the breaker is in, 0 for the others: closed, open, half_open.",
    )
    .labels(&["circuit", "state"])
    .classic(Classic {
        shape: ClassicShape::Gauge,
        name: "circuit_breaker_{state}",
        help: "1 while the circuit breaker is {state}, else 0",
    });

    /// Changes of state.
    pub const TRANSITIONS: Desc = Desc::counter(
        "circuit_breaker_transitions_total",
        "Changes of the breaker's state, by the state before and after.",
    )
    .labels(&["circuit", "from", "to"]);

    /// Time in each state.
    pub const STATE_SECONDS: Desc = Desc::total(
        "circuit_breaker_state_seconds_total",
        "Time that the breaker spent in each state.",
    )
    .unit(Unit::Seconds)
    .labels(&["circuit", "state"]);

    /// Calls by their end.
    pub const CALLS: Desc = Desc::counter(
        "circuit_breaker_calls_total",
        "Calls by their end: success, failure, timeout, rejected by the breaker, or cancelled by the caller.",
    )
    .labels(&["circuit", "outcome"])
    .classic(Classic {
        shape: ClassicShape::Counter,
        name: "circuit_breaker_requests_total",
        help: "Calls through the circuit breaker by their end",
    });

    /// Failed calls by kind.
    pub const FAILURES: Desc = Desc::counter(
        "circuit_breaker_failures_total",
        "Failed calls by the kind of failure; kinds that the circuit does not declare count as _other.",
    )
    .labels(&["circuit", "kind"]);

    /// The durations of calls.
    pub const CALL_DURATION: Desc = Desc::latency(
        "circuit_breaker_call_duration_seconds",
        "Time that calls took which the breaker let through, however they ended.",
    )
    .labels(&["circuit"]);

    /// Failures since the last success.
    pub const CONSECUTIVE_FAILURES: Desc = Desc::gauge(
        "circuit_breaker_consecutive_failures",
        "Calls that failed or timed out since the last one that succeeded.",
    )
    .labels(&["circuit"]);

    /// The most failures in a row.
    pub const CONSECUTIVE_FAILURES_PEAK: Desc = Desc::peak(
        "circuit_breaker_consecutive_failures_peak",
        "Most calls that failed or timed out in a row during the last minute.",
    )
    .labels(&["circuit"]);

    /// Crossings of thresholds.
    pub const THRESHOLD_CROSSINGS: Desc = Desc::counter(
        "circuit_breaker_threshold_crossings_total",
        "Times that a circuit went beyond a threshold: failure_rate, consecutive_failures, average_latency.",
    )
    .labels(&["circuit", "threshold"]);

    /// Records by a name that no circuit has.
    pub const UNKNOWN_CIRCUITS: Desc = Desc::counter(
        "circuit_breaker_unknown_circuits_total",
        "Records by name for circuits that are not registered; they are dropped.",
    );
}
