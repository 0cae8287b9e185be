//! The judgement of a tier.
//!
//! Each finding takes points, so the same numbers are always judged alike. The
//! lower the hit rate and the higher the share of errors, the more they take: a
//! tier that only fails ends near zero. A tier that had few recent lookups and
//! nothing else to show is unknown.

use std::time::Duration;

use metrics_core::{Assessment, Issue, Severity};

use crate::distribution::LatencyDistribution;
use crate::metrics::error_rate;
use crate::reading::{Reading, recent};
use crate::words::{EvictionCause, Operation};

const HEALTHY: &str = "Cache performing well";

/// What a low hit rate takes from its threshold on, and what it takes more down to 0.
const LOW_HITS: (f64, f64) = (20.0, 40.0);
/// What the error rate takes from its threshold on, and what it takes more up to 1.
const ERRORS: (f64, f64) = (20.0, 60.0);
const EVICTIONS: u8 = 15;
const SLOW: u8 = 20;

/// The worst of several tiers, with the issues of all.
pub(crate) fn all<'r, 'a: 'r>(tiers: impl IntoIterator<Item = &'r Reading<'a>>) -> Assessment {
    let judged = tiers.into_iter().map(tier).reduce(Assessment::worst);
    judged.unwrap_or_else(|| Assessment::unknown("no cache is watched"))
}

/// One tier.
pub(crate) fn tier(tier: &Reading<'_>) -> Assessment {
    let findings = [errors(tier), low_hit_rate(tier), evictions(tier), slow(tier)];
    let mut found = findings.into_iter().flatten().peekable();
    if found.peek().is_none() && !has_enough_lookups(tier) {
        let (path, min) = (tier.path(), min_lookups(tier));
        return Assessment::unknown(format!("`{path}` has fewer than {min} recent lookups"));
    }
    found.fold(Assessment::healthy(HEALTHY), |judged, finding| {
        judged.with(finding.penalty, finding.issue, finding.advice)
    })
}

/// An issue with what it costs and what to do.
struct Finding {
    penalty: u8,
    issue: Issue,
    advice: &'static str,
}

fn finding(
    tier: &Reading<'_>,
    (code, severity, penalty): (&'static str, Severity, u8),
    (observed, threshold): (f64, f64),
    message: String,
    advice: &'static str,
) -> Finding {
    let component = tier.path();
    let message = format!("cache tier `{component}`: {message}");
    let issue = Issue { code, severity, component, observed, threshold, message };
    Finding { penalty, issue, advice }
}

/// Recent lookups that were answered.
fn lookups(tier: &Reading<'_>) -> u64 {
    recent(&tier.gets)
}

/// A ratio needs one lookup at least.
fn min_lookups(tier: &Reading<'_>) -> u64 {
    tier.thresholds.min_lookups.max(1)
}

fn has_enough_lookups(tier: &Reading<'_>) -> bool {
    lookups(tier) >= min_lookups(tier)
}

fn errors(tier: &Reading<'_>) -> Option<Finding> {
    let (rate, threshold) = (error_rate(&[tier])?, tier.thresholds.error_rate);
    (rate > threshold).then(|| {
        let penalty = (ERRORS.0 + ERRORS.1 * rate).round() as u8;
        finding(
            tier,
            ("high_error_rate", Severity::Critical, penalty),
            (rate, threshold),
            format!("{} of recent operations failed", percent(rate)),
            "check that the tier's server is reachable and answers within the timeout",
        )
    })
}

fn low_hit_rate(tier: &Reading<'_>) -> Option<Finding> {
    let (hits, lookups) = (recent(&tier.gets[..1]), lookups(tier));
    let threshold = tier.thresholds.hit_rate;
    let rate = hits as f64 / lookups as f64;
    (has_enough_lookups(tier) && rate < threshold).then(|| {
        let penalty = (LOW_HITS.0 + LOW_HITS.1 * (1.0 - rate / threshold)).round() as u8;
        finding(
            tier,
            ("low_hit_rate", Severity::Warning, penalty),
            (rate, threshold),
            format!("{} of {lookups} recent lookups hit", percent(rate)),
            "raise the entries' time to live or the tier's maximum size, or look for keys that never repeat",
        )
    })
}

fn evictions(tier: &Reading<'_>) -> Option<Finding> {
    let evicted = recent(&tier.evictions[EvictionCause::Size as usize..][..1]);
    let lookups = lookups(tier);
    let (rate, threshold) = (evicted as f64 / lookups as f64, tier.thresholds.evictions_per_lookup);
    (has_enough_lookups(tier) && rate > threshold).then(|| {
        finding(
            tier,
            ("high_eviction_rate", Severity::Warning, EVICTIONS),
            (rate, threshold),
            format!("{evicted} entries were evicted for size during {lookups} recent lookups"),
            "raise the tier's maximum size, or cache less in it",
        )
    })
}

fn slow(tier: &Reading<'_>) -> Option<Finding> {
    let gets = LatencyDistribution::of(tier.times[Operation::Get as usize]);
    let (p95, threshold) = (gets.p95?, tier.thresholds.slow_get);
    (p95 > threshold && gets.samples >= tier.thresholds.min_lookups).then(|| {
        finding(
            tier,
            ("slow_gets", Severity::Warning, SLOW),
            (p95.as_secs_f64(), threshold.as_secs_f64()),
            format!("one lookup in twenty takes {} or longer", seconds(p95)),
            "look for large entries, a slow network or a busy server, or lower the timeout",
        )
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}
