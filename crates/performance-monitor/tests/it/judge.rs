//! The judgement of operations.

use node0_metrics_core::{Assessment, Severity, Status, TraceId};
use node0_performance_monitor::Thresholds;

use crate::bench::{Bench, ms};

/// Judges operations with these numbers of samples and these milliseconds.
fn judged(thresholds: Thresholds, operations: &[(&str, u64, u64)]) -> Assessment {
    let mut bench = Bench::with(|builder| builder.thresholds(thresholds));
    for &(name, samples, millis) in operations {
        (0..samples).for_each(|_| bench.performance.record_latency(name, ms(millis)));
    }
    let sample = bench.tick();
    let assessment = bench.performance.assess(&sample);
    assert_eq!(sample.topics[0].assessment, assessment);
    assessment
}

#[test]
fn slow_operations_are_found_once_there_are_enough_samples() {
    let mut bench = Bench::new();
    bench.performance.record_latency("slow", ms(3000));
    assert_eq!(bench.tick().topics[0].assessment.status, Status::Unknown);
    (0..30).for_each(|_| bench.performance.record_latency("slow", ms(3000)));
    let assessment = bench.tick().topics[0].assessment.clone();
    assert_eq!((assessment.status, assessment.score), (Status::Degraded, Some(80)));
    assert_eq!(assessment.findings[0].threshold, 1000.0);
    assert!(assessment.summary.contains("`slow` takes 30"), "{}", assessment.summary);
}

#[test]
fn a_slow_operation_names_a_slow_trace() {
    let mut bench = Bench::new();
    let slow = bench.performance.latency("slow").unwrap();
    (0..30).for_each(|_| slow.record(ms(3000)));
    slow.record_traced(ms(10), TraceId::new(1));
    let message = |bench: &mut Bench| bench.tick().topics[0].assessment.findings[0].message.clone();
    assert!(message(&mut bench).ends_with("more than 1000 ms"), "that trace was fast");
    slow.record_traced(ms(2500), TraceId::new(2));
    let slow = "more than 1000 ms; trace 00000000000000000000000000000002 took 2500 ms";
    assert!(message(&mut bench).ends_with(slow));
}

#[test]
fn scores_follow_the_slowest_and_count_the_others() {
    let check = |operations: &[_], score, severities: &[_]| {
        let assessment = judged(Thresholds::default(), operations);
        assert_eq!(assessment.score, score, "{operations:?}");
        let found: Vec<_> = assessment.findings.iter().map(|finding| finding.severity).collect();
        assert_eq!(found, severities, "{operations:?}");
    };
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    check(&[], None, &[]);
    check(&[("few", 19, 9000)], None, &[]);
    check(&[("few", 19, 9000), ("fine", 20, 100)], Some(100), &[]);
    check(&[("slow", 20, 2000)], Some(80), &[warning]);
    check(&[("slow", 20, 6000)], Some(60), &[critical]);
    check(&[("slow", 20, 2000), ("slower", 20, 6000)], Some(55), &[critical, warning]);
    check(&[("a", 20, 2000), ("b", 20, 2000), ("c", 20, 2000)], Some(70), &[warning; 3]);
}

/// Judges `orders`, of which so many were done and so many failed.
fn failed(thresholds: Thresholds, done: u64, failures: u64) -> Assessment {
    let mut bench = Bench::with(|builder| builder.thresholds(thresholds));
    bench.performance.record_throughput("orders", done);
    bench.performance.record_failures("orders", failures);
    bench.tick().topics[0].assessment.clone()
}

#[test]
fn operations_whose_work_fails_are_found() {
    let check = |done, failures, score| {
        let assessment = failed(Thresholds::default(), done, failures);
        assert_eq!(assessment.score, score, "{failures} of {done}: {assessment:?}");
    };
    check(100, 5, None);
    check(100, 6, Some(80));
    check(100, 24, Some(80));
    check(100, 25, Some(60));
    check(4, 4, None);
    check(10, 10, Some(60));
    check(0, 10, Some(60));
    let assessment = failed(Thresholds::default(), 100, 50);
    let finding = &assessment.findings[0];
    assert_eq!((finding.code, finding.severity), ("failing_operation", Severity::Critical));
    assert_eq!(finding.message, "50 of `orders` failed lately, 50 %, more than 5 %");
}

#[test]
fn failures_that_ended_are_forgotten_after_ten_ticks() {
    let mut bench = Bench::new();
    bench.performance.record_throughput("orders", 100);
    bench.performance.record_failures("orders", 100);
    assert_eq!(bench.tick().topics[0].assessment.score, Some(60));
    bench.ticks(10);
    assert_eq!(bench.tick().topics[0].assessment.findings, []);
}

#[test]
fn a_share_of_one_accepts_all_failures() {
    let lenient = Thresholds { failing: 1.0, ..Thresholds::default() };
    assert_eq!(failed(lenient, 10, 10).score, None);
}

#[test]
fn thresholds_are_settings() {
    let strict = Thresholds { slow_p95: ms(50), min_samples: 1, ..Thresholds::default() };
    let assessment = judged(strict, &[("slow", 1, 100)]);
    assert_eq!((assessment.score, assessment.findings[0].threshold), (Some(80), 50.0));
    let patient = Thresholds { slow_p95: ms(10_000), ..Thresholds::default() };
    assert_eq!(judged(patient, &[("slow", 20, 2000)]).score, Some(100));
}
