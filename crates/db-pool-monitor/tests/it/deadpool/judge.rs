//! Judgements: what is an issue, what it costs, and what is unknown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool::managed::Timeouts;
use node0_db_pool_monitor::{PoolRates, Thresholds};
use node0_metrics_core::{Assessment, Sample, Status};

use super::fake::{now, pool_of, waiting};
use crate::bench::{Bench, ms};

#[track_caller]
fn check(assessment: &Assessment, score: u8, codes: &[&str]) {
    let found: Vec<_> = assessment.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, codes, "{assessment:#?}");
    assert_eq!(assessment.score, Some(score));
    assert_eq!(assessment.status, Status::of(Some(score)));
    assert!(assessment.recommendations().len() <= assessment.findings.len());
}

#[track_caller]
fn judge(bench: &mut Bench) -> Assessment {
    let sample = bench.tick();
    bench.monitor.assess(&sample, "main").unwrap()
}

#[test]
fn pool_that_serves_is_healthy() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    drop(now(pool.get()).unwrap());
    let assessment = judge(&mut bench);
    check(&assessment, 100, &[]);
    assert_eq!(assessment.summary, "Database pool healthy");
}

#[test]
fn pool_that_nobody_asked_is_unknown() {
    let mut bench = Bench::new();
    let _pool = bench.build("main", 2);
    let assessment = judge(&mut bench);
    assert_eq!((assessment.status, assessment.score), (Status::Unknown, None));
    let sample = bench.tick();
    assert_eq!(sample.overall().score, None);
}

#[test]
fn monitor_without_pools_is_unknown() {
    let mut bench = Bench::new();
    let sample = bench.tick();
    assert_eq!(bench.monitor.assess_all(&sample).status, Status::Unknown);
}

#[test]
fn idle_pool_is_judged_by_the_connections_it_holds() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    drop(now(pool.get()).unwrap());
    for _ in 0..400 {
        bench.tick();
    }
    check(&judge(&mut bench), 100, &[]);
}

#[test]
fn short_queue_costs_points_and_no_status() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let _next = waiting(&pool);
    let assessment = judge(&mut bench);
    check(&assessment, 92, &["pool_exhausted"]);
    assert_eq!(assessment.status, Status::Healthy);
}

#[test]
fn long_queue_degrades() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let mut callers: Vec<_> = (0..6).map(|_| waiting(&pool)).collect();
    check(&judge(&mut bench), 77, &["pool_exhausted", "long_wait_queue"]);
    let at_limit = callers.split_off(5);
    drop(at_limit);
    check(&judge(&mut bench), 92, &["pool_exhausted"]);
}

#[test]
fn optional_pool_degrades_at_most() {
    let mut bench = Bench::new();
    let (builder, script) = pool_of(1);
    script.refuses.store(true, Ordering::Relaxed);
    let pool = bench.monitor.build("main", builder).unwrap();
    pool.set_thresholds(Thresholds { required: false, ..Thresholds::default() });
    for _ in 0..4 {
        assert!(now(pool.get()).is_err());
    }
    check(&judge(&mut bench), 70, &["high_error_rate", "connect_failures"]);
}

#[test]
fn pool_whose_database_refuses_ends_near_zero() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    script.refuses.store(true, Ordering::Relaxed);
    for _ in 0..4 {
        assert!(now(pool.get()).is_err());
    }
    let assessment = judge(&mut bench);
    check(&assessment, 5, &["high_error_rate", "connect_failures"]);
    let finding = &assessment.findings[0];
    assert_eq!((finding.observed, finding.threshold), (1.0, 0.05));
    assert_eq!(finding.component, "main");
    assert_eq!(finding.message, "pool `main`: 4 of 4 recent waits got no connection");

    // Ten whole ticks later nothing of it is recent, and there is no connection.
    for _ in 0..10 {
        bench.tick();
    }
    assert_eq!(judge(&mut bench).status, Status::Unknown);
}

#[test]
fn few_timeouts_among_many_waits_are_an_issue_of_their_own() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    for _ in 0..99 {
        drop(now(pool.get()).unwrap());
    }
    let held = now(pool.get()).unwrap();
    let at_once = Timeouts { wait: Some(Duration::ZERO), ..Timeouts::default() };
    assert!(now(pool.timeout_get(&at_once)).is_err());
    drop(held);
    check(&judge(&mut bench), 85, &["wait_timeouts"]);
    let sample = bench.tick();
    let PoolRates { error_rate, .. } = bench.monitor.rates(&sample, "main").unwrap();
    assert_eq!(error_rate, Some(1.0 / 101.0));
}

#[test]
fn cancelled_waits_are_no_errors() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let held = now(pool.get()).unwrap();
    drop(waiting(&pool));
    drop(held);
    check(&judge(&mut bench), 100, &[]);
}

#[test]
fn slow_uses_count_from_a_minimum_of_uses() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    pool.set_thresholds(Thresholds { min_waits: 3, ..Thresholds::default() });
    for uses in 1..=4 {
        let held = now(pool.get()).unwrap();
        bench.pass(ms(250));
        drop(held);
        let (score, codes): (_, &[&str]) = if uses < 3 { (100, &[]) } else { (80, &["slow_uses"]) };
        check(&judge(&mut bench), score, codes);
    }
    pool.set_thresholds(Thresholds { slow_use: ms(300), ..Thresholds::default() });
    check(&judge(&mut bench), 100, &[]);
}

#[test]
fn slow_waits_count_from_a_minimum_of_waits() {
    let mut bench = Bench::new();
    let thresholds = Thresholds { slow_wait: ms(50), min_waits: 3, ..Thresholds::default() };
    let (pool, _) = bench.build("main", 1);
    pool.set_thresholds(thresholds);
    let mut held = now(pool.get()).unwrap();
    for waits in 2..=3 {
        let next = waiting(&pool);
        bench.pass(ms(60));
        drop(held);
        held = now(next).unwrap();
        let expected: &[&str] = if waits < 3 { &[] } else { &["slow_waits"] };
        check(&judge(&mut bench), if waits < 3 { 100 } else { 80 }, expected);
    }
}

#[test]
fn wait_that_does_not_end_is_stalled() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    script.hold_connects();
    let _caller = waiting(&pool);
    check(&judge(&mut bench), 100, &[]);
    bench.pass(Duration::from_secs(5));
    let assessment = judge(&mut bench);
    check(&assessment, 80, &["stalled_wait"]);
    assert_eq!(assessment.findings[0].observed, 6.0 + 1.0);
}

#[test]
fn leaked_connection_degrades() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    let _held = now(pool.get()).unwrap();
    bench.pass(Duration::from_secs(30));
    check(&judge(&mut bench), 80, &["leaked_connections"]);
}

#[test]
fn topic_has_the_worst_pools_score_and_the_issues_of_all() {
    let mut bench = Bench::new();
    let (dead, script) = bench.build("dead", 1);
    let (busy, _) = bench.build("main", 1);
    script.refuses.store(true, Ordering::Relaxed);
    assert!(now(dead.get()).is_err());
    let _held = now(busy.get()).unwrap();
    let _next = waiting(&busy);
    let sample = bench.tick();
    check(
        &bench.monitor.assess_all(&sample),
        5,
        &["high_error_rate", "connect_failures", "pool_exhausted"],
    );
    // The topic is required, so nothing else can hide it.
    assert_eq!(sample.overall().score, Some(5));
}

#[test]
fn same_numbers_are_judged_alike_and_judging_changes_no_series() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    bench.pass(Duration::from_secs(40));
    let sample = bench.tick();
    let series = |sample: &Sample| {
        let ours = sample.snapshot.series();
        let ours = ours.filter(|series| series.desc.name.starts_with("db_client_"));
        ours.map(|series| (series.id, series.value.as_f64().to_bits())).collect::<Vec<_>>()
    };
    let before = series(&bench.registry.read());
    let judged = bench.monitor.assess_all(&sample);
    assert_eq!(judged, bench.monitor.assess_all(&sample));
    assert_eq!(judged.findings.len(), 1);
    assert_eq!(series(&bench.registry.read()), before);
}
