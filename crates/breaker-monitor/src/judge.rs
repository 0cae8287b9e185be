//! The judgement of circuits.
//!
//! The penalties are such that an open breaker is unhealthy and a half-open one is degraded at
//! best. The penalty for the failure rate grows with the rate; all others are fixed. A circuit
//! without any call is unknown, and an idle one is judged by its state.

use node0_metrics_core::{Finding, Judgement};

use crate::reading::Reading;
use crate::state::State;
use crate::thresholds::Threshold;

/// The penalty of an open breaker.
const OPEN: u8 = 50;
/// The penalty of a failure rate beyond its threshold: the base, and the addition at a rate of 1.
const FAILURE_RATE: (f64, f64) = (20.0, 60.0);

/// Judges circuits; the topic gets the score of the worst.
pub(crate) fn all(circuits: &[Reading]) -> Judgement {
    let judged = circuits.iter().map(|one| (one.name(), circuit(one)));
    Judgement::of_instances("no circuit is registered", judged)
}

fn circuit(circuit: &Reading) -> Judgement {
    if circuit.is_untried() {
        return Judgement::unknown(format!("circuit `{}` was not called yet", circuit.name()));
    }
    let found = [
        state(circuit),
        failure_rate(circuit),
        consecutive_failures(circuit),
        average_latency(circuit),
    ];
    Judgement::healthy("All circuits healthy").with_all(found.into_iter().flatten())
}

fn state(circuit: &Reading) -> Option<Finding> {
    let (name, rejected) = (circuit.name(), circuit.metrics.recent_rejected);
    let finding = match circuit.metrics.state {
        State::Closed => return None,
        State::Open => Finding::critical("circuit_open")
            .penalty(OPEN)
            .message(format!(
                "circuit `{name}`: the breaker is open and rejected {rejected} recent calls"
            ))
            .advice(format!(
                "Bring back the service behind `{name}`: its breaker rejected {rejected} recent calls and stays open for the wait that it is set to"
            )),
        State::HalfOpen => Finding::warning("circuit_half_open")
            .message(format!(
                "circuit `{name}`: the breaker is half-open, tries the service and rejected {rejected} recent calls"
            ))
            .advice(format!(
                "Wait for the trial calls of `{name}`; if it stays half-open with {rejected} recent calls rejected, let its breaker try more calls"
            )),
    };
    Some(finding.beyond(rejected as f64, 0.0))
}

fn failure_rate(circuit: &Reading) -> Option<Finding> {
    let (name, limit) = (circuit.name(), circuit.thresholds.failure_rate);
    let rate = circuit.metrics.failure_rate.filter(|rate| *rate > limit)?;
    let (failed, calls) = (circuit.metrics.recent_failures, circuit.metrics.recent_calls);
    let finding = Finding::critical(Threshold::FailureRate.code())
        .penalty((FAILURE_RATE.0 + FAILURE_RATE.1 * rate).round() as u8)
        .beyond(rate, limit)
        .message(format!("circuit `{name}`: {failed} of {calls} recent calls failed or timed out"))
        .advice(format!(
            "Find out why {failed} of {calls} recent calls of `{name}` fail, or raise its `failure_rate` of {limit}"
        ));
    Some(finding)
}

fn consecutive_failures(circuit: &Reading) -> Option<Finding> {
    let (name, limit) = (circuit.name(), circuit.thresholds.consecutive_failures);
    let run = circuit.metrics.consecutive_failures;
    // Breakers count this way too: with a limit of five, the fifth failure crosses it. A run
    // of zero never does.
    (run >= limit.max(1)).then(|| {
        Finding::warning(Threshold::ConsecutiveFailures.code())
            .beyond(run as f64, limit as f64)
            .message(format!("circuit `{name}`: the last {run} calls failed or timed out"))
            .advice(format!(
                "Look at why the last {run} calls of `{name}` failed, or raise its `consecutive_failures` of {limit}"
            ))
    })
}

fn average_latency(circuit: &Reading) -> Option<Finding> {
    let (name, limit) = (circuit.name(), circuit.thresholds.average_latency);
    let took = circuit.metrics.avg_latency.filter(|took| *took > limit)?;
    let (took, limit) = (took.as_secs_f64(), limit.as_secs_f64());
    let finding = Finding::warning(Threshold::AverageLatency.code())
        .beyond(took, limit)
        .message(format!("circuit `{name}`: calls take {took:.3} s on average"))
        .advice(format!(
            "Find out why calls of `{name}` take {took:.3} s on average, or raise its `average_latency` of {limit} s"
        ));
    Some(finding)
}
