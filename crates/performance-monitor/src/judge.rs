//! The judgement of operations.
//!
//! An operation is slow if its 95th percentile is beyond the threshold. The slowest operation
//! has a large penalty, each further one a small one. Operations with few recent samples are
//! not judged; if there are no others, the topic is unknown.

use metrics_core::{Finding, Judgement, Snapshot, millis};

use crate::reading;
use crate::thresholds::Thresholds;

/// The multiple of the threshold from which a latency is critical.
const CRITICAL: f64 = 5.0;

/// The penalty of each slow operation besides the slowest.
const FURTHER: u8 = 5;

/// Judges all operations.
pub(crate) fn operations(snapshot: &Snapshot, thresholds: &Thresholds) -> Judgement {
    let min_samples = thresholds.min_samples.max(1);
    let mut judged: Vec<(&str, f64)> = reading::operations(snapshot)
        .filter(|(_, latency)| latency.window().samples() >= min_samples)
        .filter_map(|(name, latency)| Some((name, latency.window().buckets().quantile(0.95)?)))
        .collect();
    if judged.is_empty() {
        return Judgement::unknown(format!("No operation has {min_samples} recent samples"));
    }
    let limit = thresholds.slow_p95.as_secs_f64();
    judged.retain(|(_, p95)| *p95 > limit);
    judged.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut slow = judged.into_iter().map(|(name, p95)| slow_operation(name, p95, limit));
    Judgement::healthy("Operations answer in time")
        .with_all(slow.next())
        .with_all(slow.map(|finding| finding.penalty(FURTHER)))
}

fn slow_operation(name: &str, p95: f64, limit: f64) -> Finding {
    let code = "slow_operation";
    let is_critical = p95 / limit >= CRITICAL;
    let finding = if is_critical { Finding::critical(code) } else { Finding::warning(code) };
    let (p95, limit) = (millis(p95), millis(limit));
    finding
        .component(name)
        .beyond(p95, limit)
        .message(format!(
            "`{name}` takes {p95:.0} ms at the 95th percentile, more than {limit:.0} ms"
        ))
        .advice("profile the operation, or raise `slow_p95` if this is expected")
}
