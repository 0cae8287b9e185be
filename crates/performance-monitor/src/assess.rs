//! The judgement of operations.
//!
//! An operation is slow when its 95th percentile is beyond the threshold. The slowest one
//! takes most of the points, each further one a few more. Operations with few recent
//! samples are not judged; without others, the judgement is unknown.

use metrics_core::{Assessment, Issue, Severity, Snapshot, millis};

use crate::reading;
use crate::thresholds::Thresholds;

/// The latency, relative to its threshold, from which on it is critical.
const CRITICAL: f64 = 5.0;

/// The points that the slowest operation takes, as a warning and when it is critical.
const SLOWEST: (u8, u8) = (20, 40);
/// The points that each further slow operation takes.
const FURTHER: u8 = 5;

/// Judges all operations.
pub(crate) fn operations(snapshot: &Snapshot, thresholds: &Thresholds) -> Assessment {
    let min_samples = thresholds.min_samples.max(1);
    let mut judged: Vec<(&str, f64)> = reading::operations(snapshot)
        .filter(|(_, histogram)| histogram.window().samples() >= min_samples)
        .filter_map(|(name, it)| Some((name, it.window().buckets().quantile(0.95)?)))
        .collect();
    if judged.is_empty() {
        return Assessment::unknown(format!("No operation has {min_samples} recent samples"));
    }
    let threshold = thresholds.slow_p95.as_secs_f64();
    judged.retain(|(_, p95)| *p95 > threshold);
    judged.sort_by(|a, b| b.1.total_cmp(&a.1));
    judged.into_iter().enumerate().fold(
        Assessment::healthy("Operations answer in time"),
        |assessment, (rank, (operation, p95))| {
            let (penalty, severity) = cost(rank, p95 / threshold);
            assessment.with(
                penalty,
                slow(operation, severity, p95, threshold),
                "profile the operation, or raise `slow_p95` if this is expected",
            )
        },
    )
}

fn cost(rank: usize, excess: f64) -> (u8, Severity) {
    let is_critical = excess >= CRITICAL;
    let severity = if is_critical { Severity::Critical } else { Severity::Warning };
    match (rank, is_critical) {
        (0, false) => (SLOWEST.0, severity),
        (0, true) => (SLOWEST.1, severity),
        _ => (FURTHER, severity),
    }
}

fn slow(operation: &str, severity: Severity, p95: f64, threshold: f64) -> Issue {
    let (observed, threshold) = (millis(p95), millis(threshold));
    Issue {
        code: "slow_operation",
        severity,
        component: operation.to_owned(),
        observed,
        threshold,
        message: format!(
            "`{operation}` takes {observed:.0} ms at the 95th percentile, more than {threshold:.0} ms"
        ),
    }
}
