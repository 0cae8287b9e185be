//! The judgement of operations.
//!
//! An operation is slow if its 95th percentile is beyond the threshold. The slowest operation
//! has a large penalty, each further one a small one. Operations with few recent samples are
//! not judged; if there are no others, the topic is unknown.
//!
//! An operation fails if a larger share of its recent work did than the threshold. Few failures are
//! not judged.

use node0_metrics_core::{Exemplar, Finding, Judgement, Snapshot, Window, millis};

use crate::reading;
use crate::thresholds::Thresholds;

/// The multiple of the threshold from which a latency, or a share of failures, is critical.
const CRITICAL: f64 = 5.0;

/// The penalty of each slow operation besides the slowest, and of each failing one besides the worst.
const FURTHER: u8 = 5;

/// Judges all operations.
pub(crate) fn operations(snapshot: &Snapshot, thresholds: &Thresholds) -> Judgement {
    let min_samples = thresholds.min_samples.max(1);
    let windows = reading::operations(snapshot).map(|(name, latency)| (name, latency.window()));
    let mut judged: Vec<(&str, f64, Window<'_>)> = windows
        .filter(|(_, window)| window.samples() >= min_samples)
        .filter_map(|(name, window)| Some((name, window.buckets().quantile(0.95)?, window)))
        .collect();
    let failing = failing(snapshot, thresholds);
    if judged.is_empty() && failing.is_empty() {
        return Judgement::unknown(format!("No operation has {min_samples} recent samples"));
    }
    let limit = thresholds.slow_p95.as_secs_f64();
    judged.retain(|(_, p95, _)| *p95 > limit);
    judged.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
    let mut slow = judged.into_iter().map(|(name, p95, window)| {
        slow_operation(name, p95, limit, window.slowest().filter(|traced| traced.value > limit))
    });
    let mut failing = failing.into_iter();
    Judgement::healthy("Operations answer in time")
        .with_all(failing.next())
        .with_all(failing.map(|finding| finding.penalty(FURTHER)))
        .with_all(slow.next())
        .with_all(slow.map(|finding| finding.penalty(FURTHER)))
}

/// Finds the operations of whose recent work too much failed, the worst first.
fn failing(snapshot: &Snapshot, thresholds: &Thresholds) -> Vec<Finding> {
    let failures = reading::failures(snapshot);
    let failures = failures.filter(|(_, it)| it.recent >= thresholds.min_failures.max(1));
    let mut failing: Vec<_> = failures
        .map(|(name, failed)| {
            let done = reading::throughput(snapshot).find(|(other, _)| *other == name);
            // Who counts failures alone does no work that succeeds.
            let done = done.map_or(0, |(_, done)| done.recent).max(failed.recent);
            (name, failed.recent, failed.recent as f64 / done as f64)
        })
        .filter(|(.., share)| *share > thresholds.failing)
        .collect();
    failing.sort_by(|(.., a), (.., b)| b.total_cmp(a));
    let findings = failing.into_iter().map(|(name, failed, share)| {
        let code = "failing_operation";
        let is_critical = share / thresholds.failing >= CRITICAL;
        let finding = if is_critical { Finding::critical(code) } else { Finding::warning(code) };
        let message = format!(
            "{failed} of `{name}` failed lately, {:.0} %, more than {:.0} %",
            share * 100.0,
            thresholds.failing * 100.0,
        );
        finding
            .component(name)
            .beyond(share, thresholds.failing)
            .message(message)
            .advice("look for the first error in the log, or raise `failing` if this is expected")
    });
    findings.collect()
}

/// Finds an operation slow; a trace that was slow too is named as an example.
fn slow_operation(name: &str, p95: f64, limit: f64, traced: Option<&Exemplar>) -> Finding {
    let code = "slow_operation";
    let is_critical = p95 / limit >= CRITICAL;
    let finding = if is_critical { Finding::critical(code) } else { Finding::warning(code) };
    let (p95, limit) = (millis(p95), millis(limit));
    let example = traced.map(|Exemplar { value, trace, .. }| {
        format!("; trace {trace} took {:.0} ms", millis(*value))
    });
    let example = example.unwrap_or_default();
    finding
        .component(name)
        .beyond(p95, limit)
        .message(format!(
            "`{name}` takes {p95:.0} ms at the 95th percentile, more than {limit:.0} ms{example}"
        ))
        .advice("profile the operation, or raise `slow_p95` if this is expected")
}
