//! The judgement of a circuit.
//!
//! An open breaker is unhealthy and a half-open one degraded, whatever else is
//! known. Beyond that each finding takes a fixed number of points, and the share
//! of failed calls takes more the higher it is. A circuit that nobody called is
//! unknown; one that is merely idle is judged by its state.

use metrics_core::{Assessment, Issue, Severity};

use crate::alert::Limit;
use crate::reading::Reading;
use crate::state::State;

const HEALTHY: &str = "All circuits healthy";

const OPEN: u8 = 50;
const HALF_OPEN: u8 = 20;
const CONSECUTIVE: u8 = 20;
const SLOW: u8 = 20;
/// What the failure rate takes at 0, if that is beyond its threshold, and what it takes more up to 1.
const FAILURES: (f64, f64) = (20.0, 60.0);

/// The worst of several circuits, with the issues of all.
pub(crate) fn all(circuits: &[Reading<'_>]) -> Assessment {
    let judged = circuits.iter().map(circuit).reduce(Assessment::worst);
    judged.unwrap_or_else(|| Assessment::unknown("no circuit is registered"))
}

/// One circuit.
pub(crate) fn circuit(circuit: &Reading<'_>) -> Assessment {
    if circuit.is_untried() {
        return Assessment::unknown(format!("circuit `{}` was not called yet", circuit.name()));
    }
    let findings =
        [open(circuit), half_open(circuit), failures(circuit), consecutive(circuit), slow(circuit)];
    let found = findings.into_iter().flatten();
    found.fold(Assessment::healthy(HEALTHY), |judged, finding| {
        judged.with(finding.penalty, finding.issue, finding.advice)
    })
}

/// An issue with what it costs and what to do.
struct Finding {
    penalty: u8,
    issue: Issue,
    advice: String,
}

fn finding(
    circuit: &Reading<'_>,
    (code, severity, penalty): (&'static str, Severity, u8),
    (observed, threshold): (f64, f64),
    message: String,
    advice: String,
) -> Finding {
    let issue = Issue {
        code,
        severity,
        component: circuit.name().to_owned(),
        observed,
        threshold,
        message: format!("circuit `{}`: {message}", circuit.name()),
    };
    Finding { penalty, issue, advice }
}

fn open(circuit: &Reading<'_>) -> Option<Finding> {
    let rejected = circuit.rejected.recent;
    (circuit.state == State::Open).then(|| {
        finding(
            circuit,
            ("circuit_open", Severity::Critical, OPEN),
            (rejected as f64, 0.0),
            format!("the breaker is open and rejected {rejected} recent calls"),
            format!(
                "Bring back the service behind `{}`: its breaker rejected {rejected} recent calls and stays open for the wait that it is set to",
                circuit.name()
            ),
        )
    })
}

fn half_open(circuit: &Reading<'_>) -> Option<Finding> {
    let rejected = circuit.rejected.recent;
    (circuit.state == State::HalfOpen).then(|| {
        finding(
            circuit,
            ("circuit_half_open", Severity::Warning, HALF_OPEN),
            (rejected as f64, 0.0),
            format!("the breaker is half-open, tries the service and rejected {rejected} recent calls"),
            format!(
                "Wait for the trial calls of `{}`; if it stays half-open with {rejected} recent calls rejected, let its breaker try more calls",
                circuit.name()
            ),
        )
    })
}

fn failures(circuit: &Reading<'_>) -> Option<Finding> {
    let exceeded = circuit.exceeded(Limit::FailureRate)?;
    let (failed, calls) = (circuit.recent_failures(), circuit.recent_calls());
    let penalty = (FAILURES.0 + FAILURES.1 * exceeded.observed).round() as u8;
    Some(finding(
        circuit,
        ("high_failure_rate", Severity::Critical, penalty),
        (exceeded.observed, exceeded.threshold),
        format!("{failed} of {calls} recent calls failed or timed out"),
        format!(
            "Find out why {failed} of {calls} recent calls of `{}` fail, or raise its `failure_rate` of {}",
            circuit.name(),
            exceeded.threshold
        ),
    ))
}

fn consecutive(circuit: &Reading<'_>) -> Option<Finding> {
    let exceeded = circuit.exceeded(Limit::ConsecutiveFailures)?;
    let run = circuit.consecutive;
    Some(finding(
        circuit,
        ("consecutive_failures", Severity::Warning, CONSECUTIVE),
        (exceeded.observed, exceeded.threshold),
        format!("the last {run} calls failed or timed out"),
        format!(
            "Look at why the last {run} calls of `{}` failed, or raise its `consecutive_failures` of {}",
            circuit.name(),
            exceeded.threshold
        ),
    ))
}

fn slow(circuit: &Reading<'_>) -> Option<Finding> {
    let exceeded = circuit.exceeded(Limit::AverageLatency)?;
    let (took, limit) = (exceeded.observed, exceeded.threshold);
    Some(finding(
        circuit,
        ("slow_calls", Severity::Warning, SLOW),
        (took, limit),
        format!("calls take {took:.3} s on average"),
        format!(
            "Find out why calls of `{}` take {took:.3} s on average, or raise its `average_latency` of {limit} s",
            circuit.name()
        ),
    ))
}
