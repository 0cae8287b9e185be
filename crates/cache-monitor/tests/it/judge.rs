//! Judgements: what is found, what it costs, and what is unknown.

use node0_cache_monitor::{EvictionCause, Operation, Size, Thresholds, Tier};
use node0_metrics_core::{Assessment, Sample, Status};

use crate::bench::{Bench, ms};

#[track_caller]
fn check(assessment: &Assessment, score: Option<u8>, codes: &[&str]) {
    let found: Vec<_> = assessment.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, codes, "{assessment:#?}");
    assert_eq!(assessment.score, score, "{assessment:#?}");
    assert_eq!(assessment.status, Status::of(score));
    assert!(assessment.recommendations().len() <= assessment.findings.len());
}

/// Judges a tier with these numbers of hits and misses in one tick.
#[track_caller]
fn after(
    (hits, misses): (u32, u32),
    rest: impl FnOnce(&Tier),
    score: Option<u8>,
    codes: &[&str],
) -> Assessment {
    let (mut bench, tier) = Bench::with_tier();
    (0..hits).for_each(|_| tier.hit(ms(1)));
    (0..misses).for_each(|_| tier.miss(ms(1)));
    rest(&tier);
    let sample = bench.tick();
    let assessment = bench.monitor.assess(&sample, "L1").unwrap();
    check(&assessment, score, codes);
    assessment
}

fn nothing_else(_: &Tier) {}

fn fail(tier: &Tier, times: u32) {
    (0..times).for_each(|_| tier.error(Operation::Get, ms(1)));
}

#[test]
fn tier_that_hits_is_healthy() {
    let assessment = after((95, 5), nothing_else, Some(100), &[]);
    assert_eq!(assessment.summary, "Cache performing well");
}

#[test]
fn hit_rate_at_its_threshold_is_enough_and_below_it_degrades() {
    after((70, 30), nothing_else, Some(100), &[]);
    let assessment = after((69, 31), nothing_else, Some(79), &["low_hit_rate"]);
    let finding = &assessment.findings[0];
    assert_eq!((finding.observed, finding.threshold), (0.69, 0.7));
    assert_eq!(finding.component, "demo/L1");
    assert_eq!(finding.message, "cache tier `demo/L1`: 69.0 % of 100 recent lookups hit");
}

#[test]
fn lower_hit_rate_costs_more() {
    after((35, 65), nothing_else, Some(60), &["low_hit_rate"]);
    after((0, 100), nothing_else, Some(40), &["low_hit_rate"]);
}

#[test]
fn tier_below_the_minimum_of_lookups_is_unknown() {
    after((0, 0), nothing_else, None, &[]);
    after((0, 19), nothing_else, None, &[]);
    after((0, 20), nothing_else, Some(40), &["low_hit_rate"]);
}

#[test]
fn dead_tier_is_poor_and_its_hit_rate_is_not_judged() {
    let assessment = after((0, 0), |tier| fail(tier, 50), Some(20), &["high_error_rate"]);
    assert_eq!(assessment.findings[0].observed, 1.0);
}

#[test]
fn errors_do_not_bend_the_hit_rate() {
    after((90, 10), |tier| fail(tier, 100), Some(50), &["high_error_rate"]);
    after((95, 5), |tier| fail(tier, 5), Some(100), &[]);
}

#[test]
fn failed_writes_are_errors_too() {
    let failing = |tier: &Tier| {
        (0..10).for_each(|_| tier.error(Operation::Set, ms(1)));
        (0..10).for_each(|_| tier.set(ms(1), Size::Unknown));
    };
    after((80, 0), failing, Some(74), &["high_error_rate"]);
}

#[test]
fn cancelled_lookups_are_no_errors() {
    let cancelled = |tier: &Tier| (0..50).for_each(|_| drop(tier.start(Operation::Get)));
    after((20, 0), cancelled, Some(100), &[]);
}

#[test]
fn entries_that_are_pushed_out_all_the_time_are_found() {
    let evict = |cause| move |tier: &Tier| (0..30).for_each(|_| tier.eviction(cause, None));
    after((100, 0), evict(EvictionCause::Size), Some(85), &["high_eviction_rate"]);
    for cause in [EvictionCause::Expired, EvictionCause::Explicit, EvictionCause::Replaced] {
        after((100, 0), evict(cause), Some(100), &[]);
    }
}

#[test]
fn slow_lookups_degrade_from_a_minimum_of_them() {
    let slow = |tier: &Tier| (0..20).for_each(|_| tier.hit(ms(80)));
    after((0, 0), slow, Some(80), &["slow_gets"]);
    let few = |tier: &Tier| (0..19).for_each(|_| tier.hit(ms(80)));
    after((0, 0), few, None, &[]);
}

#[test]
fn several_findings_add_up() {
    let bad = |tier: &Tier| {
        fail(tier, 100);
        (0..40).for_each(|_| tier.eviction(EvictionCause::Size, None));
        (0..20).for_each(|_| tier.miss(ms(80)));
    };
    let codes = ["high_error_rate", "low_hit_rate", "high_eviction_rate", "slow_gets"];
    after((0, 80), bad, Some(0), &codes);
}

#[test]
fn tier_is_judged_by_its_own_thresholds_and_others_by_the_monitors() {
    let mut bench = Bench::judging_by(Thresholds { hit_rate: 0.9, ..Thresholds::default() });
    let modest = Thresholds { hit_rate: 0.1, ..Thresholds::default() };
    let l2 = bench.monitor.tier_with("demo", "L2", modest).unwrap();
    let l1 = bench.monitor.tier("demo", "L1").unwrap();
    for tier in [&l1, &l2] {
        (0..16).for_each(|_| tier.hit(ms(1)));
        (0..4).for_each(|_| tier.miss(ms(1)));
    }
    (0..20).for_each(|_| bench.monitor.record_miss("named", "key", ms(1)));
    let sample = bench.tick();
    let codes = |layer: &str| bench.monitor.assess(&sample, layer).unwrap().findings.len();
    assert_eq!((codes("L1"), codes("L2"), codes("named")), (1, 0, 1));
}

#[test]
fn topic_has_the_worst_tiers_score_and_the_findings_of_all() {
    let mut bench = Bench::new();
    let (l1, l2) =
        (bench.monitor.tier("demo", "L1").unwrap(), bench.monitor.tier("demo", "L2").unwrap());
    (0..20).for_each(|_| l1.miss(ms(1)));
    fail(&l2, 20);
    let sample = bench.tick();
    let all = bench.monitor.assess_all(&sample);
    check(&all, Some(20), &["high_error_rate", "low_hit_rate"]);
    assert_eq!(sample.overall().score, Some(20));
    assert_eq!(bench.monitor.assess_all(&sample), all);
}

#[test]
fn same_view_is_judged_alike_and_nothing_is_recorded() {
    let (bench, tier) = Bench::with_tier();
    fail(&tier, 30);
    bench.monitor.record_miss("named", "key", ms(1));
    let sample = bench.registry.read();
    let first = bench.monitor.assess_all(&sample);
    for _ in 0..3 {
        assert_eq!(bench.monitor.assess_all(&sample), first);
    }
    let after = bench.registry.read();
    assert_eq!(after.snapshot.series_set(), sample.snapshot.series_set());
    let of_caches = |sample: &Sample| {
        let families = sample.snapshot.families();
        let ours = families.filter(|family| family.desc.name.starts_with("cache_"));
        let values = ours.flat_map(|family| family.series().map(|(_, value)| value.as_f64()));
        values.collect::<Vec<_>>()
    };
    assert_eq!(of_caches(&after), of_caches(&sample));
}

#[test]
fn monitor_without_tiers_is_unknown() {
    let mut bench = Bench::new();
    let sample = bench.tick();
    assert_eq!(bench.monitor.assess_all(&sample).status, Status::Unknown);
    assert_eq!(sample.overall().score, None);
}

#[test]
fn tier_that_recovered_is_healthy_ten_ticks_later() {
    let (mut bench, tier) = Bench::with_tier();
    fail(&tier, 100);
    bench.tick();
    for _ in 0..10 {
        (0..20).for_each(|_| tier.hit(ms(1)));
        bench.tick();
    }
    let sample = bench.tick();
    check(&bench.monitor.assess(&sample, "L1").unwrap(), Some(100), &[]);
}

#[test]
fn thresholds_of_nothing_judge_without_dividing_by_it() {
    let strict = Thresholds { min_lookups: 0, evictions_per_lookup: 0.0, ..Thresholds::default() };
    let mut bench = Bench::judging_by(strict);
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    tier.eviction(EvictionCause::Size, None);
    let sample = bench.tick();
    check(&bench.monitor.assess(&sample, "L1").unwrap(), None, &[]);
    (0..3).for_each(|_| tier.hit(ms(1)));
    let sample = bench.tick();
    check(&bench.monitor.assess(&sample, "L1").unwrap(), Some(85), &["high_eviction_rate"]);
}
