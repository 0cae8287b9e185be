//! The judgement of circuits.
//!
//! An open breaker is unhealthy and a half-open one at most degraded, by the points that their
//! findings take. Each other finding takes a fixed number of points; that about the failure rate
//! takes more the higher the rate is. A circuit that was never called is unknown, and an idle
//! one is judged by its state.

use metrics_core::{Finding, Judgement};

use crate::reading::Reading;
use crate::state::State;
use crate::thresholds::Threshold;

/// The points that an open breaker takes.
const OPEN: u8 = 50;
/// The points that a failure rate beyond its threshold takes: so many at 0, so many more at 1.
const FAILURE_RATE: (f64, f64) = (20.0, 60.0);

/// Judges circuits, of which the worst stands for all.
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
    // As breakers count: the fifth failure of five is too many, and no failure never is.
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
