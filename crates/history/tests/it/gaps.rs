//! Gaps, restarts, and clocks that are set: no spike, no hole but the real one.

use std::time::Duration;

use node0_history::Query;
use node0_metrics_core::{Desc, Timestamp};

use crate::{Bench, SECOND, values};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
const DEPTH: Desc = Desc::gauge("depth", "Jobs that wait.");
const CPU: Desc = Desc::total("cpu_seconds_total", "CPU time.");
const WORK: Desc = Desc::latency("work_seconds", "Time of a job.");

#[test]
fn a_process_that_was_stopped_shows_a_gap_and_no_spike() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(60, |_| jobs.add(5));
    // Stopped for ten minutes; then everything that waited is done within the same tick.
    bench.clock.advance(SECOND * 600);
    jobs.add(100_000);
    (0..1000).for_each(|_| work.record(SECOND));
    depth.set(7.0);
    bench.tick();
    bench.ticks(59, |_| jobs.add(5));

    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 720).step(SECOND * 60));
    let mut expected = vec![None; 12];
    // The first minute, and the last, of which one second is missing.
    (expected[0], expected[11]) = (Some(5.0), Some(5.0));
    assert_eq!(values(&rates), expected);
    assert_eq!(rates.series[0].max, expected);
    let seconds = bench.ask(Query::new("jobs_total").last(SECOND * 61).step(SECOND));
    assert_eq!(values(&seconds)[..2], [None, None]);
    assert_eq!(values(&seconds)[2..], [Some(5.0); 59]);

    let longest = bench.ask(Query::new("work_seconds").last(SECOND * 720).quantile(1.0));
    assert!(values(&longest).iter().all(Option::is_none), "they were not of this tick");
    let level = bench.ask(Query::new("depth").last(SECOND * 60).step(SECOND));
    assert_eq!(values(&level)[0], Some(7.0), "a level is true however long the tick");
}

#[test]
fn a_tick_that_is_a_little_late_is_no_gap() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.ticks(10, |_| jobs.add(5));
    bench.clock.advance(SECOND * 2);
    jobs.add(10);
    bench.ticks(1, |_| jobs.add(5));
    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 4).step(SECOND));
    assert_eq!(values(&rates), [Some(5.0), None, None, Some(5.0)]);
    let coarse = bench.ask(Query::new("jobs_total").last(SECOND * 13).step(SECOND * 13));
    assert_eq!(values(&coarse), [Some(5.0)]);
}

#[test]
fn ticks_that_are_late_make_no_rate_look_busier() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    let cpu = bench.registry.total(&CPU, &[]).unwrap();
    // Always five jobs a second, in ticks of one second or, every sixth time, of three.
    let mut seconds = 0.0;
    for tick in 0..1800 {
        let span = if tick % 6 == 5 { 3 } else { 1 };
        seconds += f64::from(span);
        jobs.add(u64::from(5 * span));
        cpu.set(0.25 * seconds);
        bench.clock.advance(SECOND * span);
        bench.ticker.tick();
    }
    for step in [10, 60] {
        let ask = |metric| bench.ask(Query::new(metric).last(SECOND * 1200).step(SECOND * step));
        for (answer, rate) in [(ask("jobs_total"), 5.0), (ask("cpu_seconds_total"), 0.25)] {
            let series = &answer.series[0];
            for rates in [&series.values, &series.min, &series.max] {
                assert_eq!(rates.len(), 1200 / step as usize);
                let is_near = |seen: &Option<f64>| seen.is_some_and(|it| (it - rate).abs() < 1e-9);
                assert!(rates.iter().all(is_near), "{step} s: {rates:?}");
            }
        }
    }
}

#[test]
fn ticks_that_end_unevenly_have_an_interval_each() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    // The first tick ends just before a whole second, the others up to 0.4 s around it.
    bench.clock.advance(Duration::from_millis(999));
    bench.ticker.tick();
    for tick in 0..100_u64 {
        jobs.add(1);
        let millis = if tick % 2 == 0 { 600 } else { 1400 };
        bench.clock.advance(Duration::from_millis(millis));
        bench.ticker.tick();
    }
    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 60).step(SECOND));
    assert!(values(&rates).iter().all(Option::is_some), "{:?}", values(&rates));
}

#[test]
fn a_series_that_was_registered_again_goes_on() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
        bench.ticks(10, |_| jobs.add(5));
        drop(jobs);
        // It is sampled once more, and then it is away for a while.
        bench.ticks(10, |_| {});
    }
    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 60).step(SECOND));
    let away = values(&rates).iter().filter(|value| value.is_none()).count();
    let busy = values(&rates).iter().filter(|value| **value == Some(5.0)).count();
    assert_eq!((busy, away), (30, 27), "{:?}", values(&rates));
    let minute = bench.ask(Query::new("jobs_total").last(SECOND * 60).step(SECOND * 60));
    // Over the 33 seconds that it was there.
    assert_eq!(values(&minute), [Some(150.0 / 33.0)]);
    assert_eq!(minute.series[0].max, [Some(5.0)]);
}

#[test]
fn a_series_that_is_gone_stays_for_its_time() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.ticks(60, |_| jobs.add(5));
    drop(jobs);
    bench.ticks(3600 * 23, |_| {});
    let hour = SECOND * 3600;
    let query = || Query::new("jobs_total").last(hour * 24).step(SECOND * 60);
    let seen = bench.ask(query());
    let rates: Vec<f64> = values(&seen).iter().flatten().copied().collect();
    assert_eq!(rates.first(), Some(&5.0));
    assert!(rates.len() <= 2, "{rates:?}");
    bench.ticks(3600 * 2, |_| {});
    assert!(bench.history.query(&query()).is_err(), "its last block is over a day old");
}

#[test]
fn setting_the_wall_clock_moves_the_past_and_changes_nothing_else() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.ticks(30, |tick| jobs.add(tick));
    let before = bench.ask(Query::new("jobs_total").last(SECOND * 20).step(SECOND));
    for to in [4_000_000_000_000, 1_000_000] {
        bench.clock.set_wall(Timestamp::from_millis(to));
        bench.ticks(1, |_| jobs.add(1));
        let after = bench.ask(Query::new("jobs_total").last(SECOND * 2).step(SECOND));
        assert_eq!(values(&after)[1], Some(1.0));
        assert_eq!(after.to, Timestamp::from_millis(to + 1000));
    }
    let after = bench.ask(Query::new("jobs_total").last(SECOND * 22).step(SECOND));
    assert_eq!(values(&after)[..20], *values(&before));
}
