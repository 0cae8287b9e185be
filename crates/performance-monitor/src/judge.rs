//! The judgement of operations.
//!
//! An operation is slow if its 95th percentile is beyond the threshold. The slowest operation
//! has a large penalty, each further one a small one. Operations with few recent samples are
//! not judged; if there are no others, the topic is unknown.

use metrics_core::{Exemplar, Finding, Judgement, Snapshot, Window, millis};

use crate::reading;
use crate::thresholds::Thresholds;

/// The multiple of the threshold from which a latency is critical.
const CRITICAL: f64 = 5.0;

/// The penalty of each slow operation besides the slowest.
const FURTHER: u8 = 5;

/// Judges all operations.
pub(crate) fn operations(snapshot: &Snapshot, thresholds: &Thresholds) -> Judgement {
    let min_samples = thresholds.min_samples.max(1);
    let windows = reading::operations(snapshot).map(|(name, latency)| (name, latency.window()));
    let mut judged: Vec<(&str, f64, Window<'_>)> = windows
        .filter(|(_, window)| window.samples() >= min_samples)
        .filter_map(|(name, window)| Some((name, window.buckets().quantile(0.95)?, window)))
        .collect();
    if judged.is_empty() {
        return Judgement::unknown(format!("No operation has {min_samples} recent samples"));
    }
    let limit = thresholds.slow_p95.as_secs_f64();
    judged.retain(|(_, p95, _)| *p95 > limit);
    judged.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
    let mut slow = judged.into_iter().map(|(name, p95, window)| {
        slow_operation(name, p95, limit, window.slowest().filter(|traced| traced.value > limit))
    });
    Judgement::healthy("Operations answer in time")
        .with_all(slow.next())
        .with_all(slow.map(|finding| finding.penalty(FURTHER)))
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
