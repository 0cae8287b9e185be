use std::time::Duration;

use node0_metrics_core::{Desc, Latency, Layout, Registry, Timestamp};
use proptest::prelude::*;

use crate::Bench;

const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const JOBS: Desc = Desc::counter("jobs_total", "Jobs.");

fn window(registry: &Registry, wait: &Latency) -> (u64, f64) {
    let sample = registry.read();
    let window = &sample.view().latency(wait).expect("it is registered").window();
    (window.samples(), window.span.as_secs_f64())
}

#[test]
fn a_busy_series_is_over_its_last_tick() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    for _ in 0..3 {
        (0..1500).for_each(|_| wait.record(Duration::from_millis(1)));
        bench.tick();
    }
    assert_eq!(window(&bench.registry, &wait), (1500, 1.0));
    (0..1000).for_each(|_| wait.record(Duration::from_millis(9)));
    bench.clock.advance(Duration::from_millis(400));
    assert_eq!(window(&bench.registry, &wait), (1000, 0.4), "the running tick suffices");
}

#[test]
fn a_quiet_series_is_over_its_last_thousand_samples() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    for _ in 0..30 {
        (0..100).for_each(|_| wait.record(Duration::from_millis(1)));
        bench.tick();
    }
    assert_eq!(window(&bench.registry, &wait), (1000, 10.0));
}

#[test]
fn an_idle_series_becomes_empty() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    wait.record(Duration::from_millis(1));
    for _ in 0..300 {
        bench.tick();
    }
    assert_eq!(window(&bench.registry, &wait), (1, 300.0));
    bench.tick();
    assert_eq!(window(&bench.registry, &wait).0, 0);
    let sample = bench.registry.read();
    assert_eq!(sample.view().latency(&wait).unwrap().window().buckets().quantile(0.5), None);
    assert_eq!(sample.view().latency(&wait).unwrap().total().count(), 1, "totals stay");
}

#[test]
fn a_window_may_be_of_any_age() {
    let mut bench = Bench::with(|builder| builder.max_age(Duration::MAX));
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    wait.record(Duration::from_millis(1));
    for _ in 0..1000 {
        bench.tick();
    }
    assert_eq!(window(&bench.registry, &wait), (1, 1000.0));
}

#[test]
fn a_wall_clock_that_jumps_changes_no_window() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    for second in 0..20u64 {
        (0..100).for_each(|_| wait.record(Duration::from_millis(1)));
        jobs.add(10);
        bench.clock.set_wall(Timestamp::from_millis(1_000_000_000_000 * (second % 3)));
        bench.tick();
    }
    assert_eq!(window(&bench.registry, &wait), (1000, 10.0));
    assert_eq!(bench.registry.latest().view().rate(&jobs), Some(10.0));
}

#[test]
fn rates_are_over_the_last_ten_whole_ticks() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    assert_eq!(bench.registry.read().view().rate(&jobs), None, "no tick has ended");
    jobs.add(30);
    assert_eq!(bench.tick().sample.view().rate(&jobs), Some(30.0));
    assert_eq!(bench.tick().sample.view().rate(&jobs), Some(15.0));
    for _ in 0..8 {
        bench.tick();
    }
    assert_eq!(bench.registry.latest().view().rate(&jobs), Some(3.0));
    assert_eq!(bench.tick().sample.view().rate(&jobs), Some(0.0));
}

#[test]
fn a_counter_that_comes_late_has_a_rate_over_its_own_life() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.tick();
    }
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    jobs.add(8);
    bench.registry.read();
    assert_eq!(bench.tick().sample.view().rate(&jobs), Some(8.0));
    assert_eq!(bench.tick().sample.view().rate(&jobs), Some(4.0));
}

#[test]
fn reading_advances_the_windows_where_nobody_ticks() {
    let Bench { clock, registry, ticker } = Bench::new();
    drop(ticker);
    let wait = registry.latency(&WAIT, &[]).unwrap();
    let jobs = registry.counter(&JOBS, &[]).unwrap();
    registry.read();
    for _ in 0..20 {
        (0..100).for_each(|_| wait.record(Duration::from_millis(1)));
        jobs.add(5);
        clock.advance(Duration::from_secs(1));
        registry.read();
    }
    assert_eq!(window(&registry, &wait), (1000, 10.0));
    assert_eq!(registry.read().view().rate(&jobs), Some(5.0));
}

#[test]
fn reading_in_between_changes_nothing_that_ticks_see() {
    let (mut read, mut unread) = (Bench::new(), Bench::new());
    let waits = [&read, &unread].map(|bench| bench.registry.latency(&WAIT, &[]).unwrap());
    for i in 0..500u64 {
        for wait in &waits {
            wait.record(Duration::from_micros(i));
        }
        if i % 7 == 0 {
            read.registry.read();
        }
        if i % 40 == 0 {
            let (a, b) = (read.tick().sample, unread.tick().sample);
            assert_eq!(
                a.view().latency(&waits[0]).unwrap().window(),
                b.view().latency(&waits[1]).unwrap().window()
            );
        }
    }
}

proptest! {
    /// The window rule, applied to the samples themselves.
    #[test]
    fn the_window_holds_what_the_rule_says(
        ticks in prop::collection::vec(prop::collection::vec(1u64..5_000_000_000, 0..60), 1..60),
        running in prop::collection::vec(1u64..5_000_000_000, 0..60),
    ) {
        let (samples, max_age) = (100, Duration::from_secs(20));
        let mut bench = Bench::with(|builder| builder.window_samples(samples).max_age(max_age));
        let wait = bench.registry.latency(&WAIT, &[]).unwrap();
        for tick in &ticks {
            tick.iter().for_each(|&nanos| wait.record(Duration::from_nanos(nanos)));
            bench.tick();
        }
        running.iter().for_each(|&nanos| wait.record(Duration::from_nanos(nanos)));

        let mut expected = running.clone();
        let mut span = 0;
        for tick in ticks.iter().rev().take(20) {
            if expected.len() as u64 >= samples {
                break;
            }
            expected.extend(tick);
            span += 1;
        }
        expected.sort_unstable();
        let sample = bench.registry.read();
        let window = &sample.view().latency(&wait).unwrap().window();
        prop_assert_eq!(window.samples(), expected.len() as u64);
        prop_assert_eq!(window.span.as_secs(), span);
        for q in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let rank = (q * expected.len() as f64).ceil().max(1.0) as usize;
            let exact = expected.get(rank - 1).map(|&nanos| nanos as f64);
            let got = window.buckets().quantile(q).map(|seconds| seconds * 1e9);
            prop_assert_eq!(got.is_some(), exact.is_some());
            if let (Some(got), Some(exact)) = (got, exact) {
                let allowed = Layout::Latency.error_at(exact / 1e9) * 1e9 + exact * 1e-12;
                prop_assert!((got - exact).abs() <= allowed, "{} for {}", got, exact);
            }
        }
        if let Some(mean) = window.buckets().mean() {
            let exact = expected.iter().sum::<u64>() as f64 / expected.len() as f64 * 1e-9;
            prop_assert!((mean - exact).abs() <= exact * 1e-9);
        }
    }
}
