//! The judgement of tiers.
//!
//! Each finding subtracts points from a tier's score of 100. The penalty for a low hit rate grows
//! as the rate falls, and that for errors grows with their share, so that a tier that only fails
//! scores near zero. A tier with too few recent lookups and no finding is unknown.

use node0_metrics_core::{Finding, Judgement, LatencySummary};

use crate::metrics::error_rate;
use crate::reading::Reading;
use crate::words::{EvictionCause, Found, Operation};

/// The penalty of a hit rate at its threshold, and the additional penalty at 0.
const LOW_HITS: (f64, f64) = (20.0, 40.0);
/// The penalty of an error rate near 0, and the additional penalty at 1.
const ERRORS: (f64, f64) = (20.0, 60.0);

/// Judges tiers; the topic gets the score of the worst.
pub(crate) fn all<'r, 'a: 'r>(tiers: impl IntoIterator<Item = &'r Reading<'a>>) -> Judgement {
    let judged = tiers.into_iter().map(|one| (one.path(), tier(one)));
    Judgement::of_instances("no cache is watched", judged)
}

fn tier(tier: &Reading<'_>) -> Judgement {
    let judgement = match lookups(tier) {
        Some(_) => Judgement::healthy("Cache performing well"),
        None => {
            let (path, min) = (tier.path(), min_lookups(tier));
            Judgement::unknown(format!("`{path}` has fewer than {min} recent lookups"))
        }
    };
    let found = [errors(tier), low_hit_rate(tier), evictions(tier), slow(tier)];
    judgement.with_all(found.into_iter().flatten())
}

/// Returns the number of recent hits and misses, if there are enough to judge.
fn lookups(tier: &Reading<'_>) -> Option<u64> {
    let lookups = tier.numbers.gets.values().map(|gets| gets.recent).sum();
    (lookups >= min_lookups(tier)).then_some(lookups)
}

/// Returns the minimum of lookups, which is at least one, since a ratio needs one.
fn min_lookups(tier: &Reading<'_>) -> u64 {
    tier.thresholds.min_lookups.max(1)
}

fn errors(tier: &Reading<'_>) -> Option<Finding> {
    let threshold = tier.thresholds.error_rate;
    let rate = error_rate(&[tier]).filter(|rate| *rate > threshold)?;
    let (path, failed) = (tier.path(), percent(rate));
    let finding = Finding::critical("high_error_rate")
        .penalty((ERRORS.0 + ERRORS.1 * rate).round() as u8)
        .beyond(rate, threshold)
        .message(format!("cache tier `{path}`: {failed} of recent operations failed"))
        .advice("check that the tier's server is reachable and answers within the timeout");
    Some(finding)
}

fn low_hit_rate(tier: &Reading<'_>) -> Option<Finding> {
    let (lookups, threshold) = (lookups(tier)?, tier.thresholds.hit_rate);
    let rate = tier.numbers.gets[Found::Hit].recent as f64 / lookups as f64;
    (rate < threshold).then(|| {
        let (path, hit) = (tier.path(), percent(rate));
        Finding::warning("low_hit_rate")
            .penalty((LOW_HITS.0 + LOW_HITS.1 * (1.0 - rate / threshold)).round() as u8)
            .beyond(rate, threshold)
            .message(format!("cache tier `{path}`: {hit} of {lookups} recent lookups hit"))
            .advice("raise the entries' time to live or the tier's maximum size, or look for keys that never repeat")
    })
}

fn evictions(tier: &Reading<'_>) -> Option<Finding> {
    let (lookups, threshold) = (lookups(tier)?, tier.thresholds.evictions_per_lookup);
    let evicted = tier.numbers.evictions[EvictionCause::Size]?.recent;
    let rate = evicted as f64 / lookups as f64;
    (rate > threshold).then(|| {
        let path = tier.path();
        Finding::warning("high_eviction_rate")
            .penalty(15)
            .beyond(rate, threshold)
            .message(format!("cache tier `{path}`: {evicted} entries were evicted for size during {lookups} recent lookups"))
            .advice("raise the tier's maximum size, or cache less in it")
    })
}

fn slow(tier: &Reading<'_>) -> Option<Finding> {
    let gets = LatencySummary::merged(tier.numbers.times[Operation::Get]);
    let p95 = gets.if_at_least(tier.thresholds.min_lookups)?.p95?.as_secs_f64();
    let threshold = tier.thresholds.slow_get.as_secs_f64();
    (p95 > threshold).then(|| {
        let path = tier.path();
        Finding::warning("slow_gets")
            .beyond(p95, threshold)
            .message(format!(
                "cache tier `{path}`: one lookup in twenty takes {p95:.3} s or longer"
            ))
            .advice("look for large entries, a slow network or a busy server, or lower the timeout")
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
