//! What queries answer: rates, levels, means and quantiles, by step and tier.

use std::time::Duration;

use node0_history::{History, Matchers, Query, QueryError, Statistic, Tier};
use node0_metrics_core::{Desc, ManualClock, Registry, Timestamp, Unit};

use crate::{Bench, SECOND, values};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
const DEPTH: Desc = Desc::gauge("depth", "Jobs that wait.");
const WORK: Desc = Desc::latency("work_seconds", "Time of a job.");
const SIZE: Desc = Desc::distribution("size_bytes", "Size of a job.", Unit::Bytes, &[]);
const CPU: Desc = Desc::total("cpu_seconds_total", "CPU time.");

/// Compares with the relative error of a bucket's midpoint, `times` that of the core.
fn assert_near(value: Option<f64>, exact: f64, times: f64) {
    let value = value.expect("there is a value");
    let allowed = exact * node0_metrics_core::Layout::RELATIVE_ERROR * times * (1.0 + 1e-9);
    assert!((value - exact).abs() <= allowed, "{value} for {exact}");
}

#[test]
fn a_counter_is_a_rate() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &["mail"]).unwrap();
    bench.ticks(60, |tick| jobs.add(tick));
    let answer = bench.ask(Query::new("jobs_total").last(SECOND * 3).step(SECOND));
    assert_eq!(answer.statistic, Statistic::Rate);
    assert_eq!(values(&answer), [Some(57.0), Some(58.0), Some(59.0)]);
    assert!(answer.series[0].min.is_empty(), "a step is one interval");

    // The ticks from 40 to 49, and from 50 to 59.
    let coarse = bench.ask(Query::new("jobs_total").last(SECOND * 20).step(SECOND * 10));
    assert_eq!(values(&coarse), [Some(44.5), Some(54.5)]);
    assert_eq!(coarse.series[0].min, [Some(40.0), Some(50.0)]);
    assert_eq!(coarse.series[0].max, [Some(49.0), Some(59.0)]);
}

#[test]
fn a_total_that_is_counted_elsewhere_is_a_rate() {
    let mut bench = Bench::new();
    let cpu = bench.registry.total(&CPU, &[]).unwrap();
    // It begins again at zero, as that of a child process would.
    bench.ticks(20, |tick| cpu.set(0.25 * (tick % 10) as f64));
    let answer = bench.ask(Query::new("cpu_seconds_total").last(SECOND * 12).step(SECOND));
    let mut expected = [Some(0.25); 12];
    expected[2] = Some(0.0);
    assert_eq!(values(&answer), expected);
}

#[test]
fn a_gauge_is_its_mean_with_its_extremes() {
    let mut bench = Bench::new();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(60, |tick| depth.set(if tick == 33 { 61.0 } else { 1.0 }));
    let answer = bench.ask(Query::new("depth").last(SECOND * 60).step(SECOND * 60));
    assert_eq!(answer.statistic, Statistic::Level);
    let series = &answer.series[0];
    assert_eq!((&series.values[..], &series.min[..]), (&[Some(2.0)][..], &[Some(1.0)][..]));
    assert_eq!(series.max, [Some(61.0)]);
}

#[test]
fn an_unknown_gauge_has_no_value() {
    let mut bench = Bench::new();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(3, |tick| depth.set([1.0, f64::NAN, f64::INFINITY][tick as usize]));
    let answer = bench.ask(Query::new("depth").last(SECOND * 3).step(SECOND));
    assert_eq!(values(&answer), [Some(1.0), None, None]);
    let none = Query::new("depth").matching(Matchers::new().equal("n", "1"));
    let none = bench.ask(none);
    assert_eq!((none.statistic, none.series.len()), (Statistic::Level, 0));
}

#[test]
fn a_latency_is_its_mean_or_a_quantile_of_all_its_values() {
    let mut bench = Bench::new();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    // In each second, one of a hundred values is long; in the last, every second one.
    bench.ticks(60, |tick| {
        for n in 0..100 {
            let is_long = if tick == 59 { n % 2 == 0 } else { n == 0 };
            work.record(Duration::from_millis(if is_long { 800 } else { 5 }));
        }
    });
    let ask = |query: Query| bench.ask(query.last(SECOND * 60).step(SECOND * 60)).series.remove(0);
    let p99 = ask(Query::new("work_seconds").quantile(0.99));
    assert_near(p99.values[0], 0.8, 1.0);
    // 109 of 6000 values are long: the mean of the percentiles would be a long one.
    assert_near(ask(Query::new("work_seconds").quantile(0.98)).values[0], 0.005, 1.0);
    assert_near(p99.min[0], 0.005, 1.0);
    assert_near(p99.max[0], 0.8, 1.0);
    let mean = ask(Query::new("work_seconds")).values[0].unwrap();
    let exact = (109.0 * 0.8 + 5891.0 * 0.005) / 6000.0;
    assert!((mean - exact).abs() < exact / 16_000.0, "{mean}");
}

#[test]
fn a_latency_has_calls_per_second_too() {
    let mut bench = Bench::new();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    // Ten calls a second, then none, then a hundred.
    bench.ticks(30, |tick| {
        let calls = if tick < 10 { 10 } else { 100 * u64::from(tick >= 20) };
        (0..calls).for_each(|_| work.record(Duration::from_millis(5)));
    });
    let query = Query::new("work_seconds").last(SECOND * 30).step(SECOND * 10).rate();
    let answer = bench.ask(query);
    assert_eq!(answer.statistic, Statistic::Rate);
    assert_eq!(values(&answer), [Some(10.0), Some(0.0), Some(100.0)]);
    let whole = bench.ask(Query::new("work_seconds").last(SECOND * 30).step(SECOND * 30).rate());
    assert_near(values(&whole)[0], 1100.0 / 30.0, 0.1);
    assert_eq!(whole.series[0].max, [Some(100.0)]);
}

#[test]
fn the_buckets_of_a_latency_count_all_its_values_once() {
    let mut bench = Bench::new();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    // Two populations: many calls of a millisecond, and few of a second.
    bench.ticks(40, |tick| {
        if tick < 20 {
            (0..50).for_each(|_| work.record(Duration::from_millis(1)));
            (0..3).for_each(|_| work.record(Duration::from_millis(1000)));
        }
    });
    // Steps of a single second, of several, and of a coarser tier.
    for (step, of_step) in [(1, 53), (10, 530), (20, 1060)] {
        let query = Query::new("work_seconds").last(SECOND * 40).step(SECOND * step).buckets();
        let answer = bench.ask(query);
        assert_eq!(answer.statistic, Statistic::Buckets);
        let series = &answer.series[0];
        let first = series.buckets[0].as_ref().expect("there were calls");
        assert_eq!(first.len() + 1, series.bounds.len());
        assert_eq!(first.iter().sum::<u64>(), of_step);
        assert_eq!(series.values[0], Some(of_step as f64));
        let at = |seconds: f64| {
            let holds = |pair: &[f64]| pair[0] <= seconds && seconds < pair[1];
            first[series.bounds.windows(2).position(holds).expect("a bucket")]
        };
        assert_eq!((at(0.001), at(1.0)), (of_step * 50 / 53, of_step * 3 / 53));
        assert_eq!(series.buckets.last(), Some(&None), "no calls, no counts");
        for pair in series.bounds.windows(2) {
            assert!((pair[1] / pair[0] - std::f64::consts::SQRT_2).abs() < 1e-9);
        }
    }
}

#[test]
fn a_distribution_has_quantiles_too_and_an_idle_one_has_none() {
    let mut bench = Bench::new();
    let size = bench.registry.distribution(&SIZE, &[]).unwrap();
    bench.ticks(3, |tick| {
        if tick != 1 {
            size.record(4096.0)
        }
    });
    let answer = bench.ask(Query::new("size_bytes").last(SECOND * 3).step(SECOND).quantile(0.5));
    let values = values(&answer);
    assert_near(values[0], 4096.0, 1.0);
    assert_eq!(values[1], None);
    assert_near(values[2], 4096.0, 1.0);
}

#[test]
fn matchers_select_series() {
    let mut bench = Bench::new();
    let queues = ["mail", "thumbnail", "_other"];
    let jobs = queues.map(|queue| bench.registry.counter(&JOBS, &[queue]).unwrap());
    bench.ticks(2, |_| jobs.iter().for_each(|jobs| jobs.inc()));
    let ask = |matchers: Matchers| {
        let answer = bench.ask(Query::new("jobs_total").matching(matchers));
        let queue =
            |series: &node0_history::AnsweredSeries| series.labels.get("queue").unwrap().to_owned();
        answer.series.iter().map(queue).collect::<Vec<_>>()
    };
    assert_eq!(ask(Matchers::new()), ["_other", "mail", "thumbnail"]);
    assert_eq!(ask(Matchers::new().equal("queue", "mail")), ["mail"]);
    assert_eq!(ask(Matchers::new().not_equal("queue", "mail")), ["_other", "thumbnail"]);
    assert_eq!(ask("queue!=\"mail\", queue!=\"_other\",".parse().unwrap()), ["thumbnail"]);
    assert!(ask(Matchers::new().equal("region", "north")).is_empty());
}

#[test]
fn older_points_come_from_coarser_tiers_and_say_so() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &["mail"]).unwrap();
    bench.ticks(7200, |tick| jobs.add(tick / 3600));
    let answer = bench.ask(Query::new("jobs_total").last(SECOND * 7200).step(SECOND * 10));
    let series = &answer.series[0];
    let steps: Vec<_> = series.resolutions.iter().map(|part| part.step).collect();
    assert_eq!(steps, [SECOND * 60, SECOND * 10]);
    // A tier keeps at least what it says.
    assert!(series.resolutions[1].from <= answer.timestamps[360]);
    // Every interval is there, and those of a minute repeat for each of their steps.
    let expected: Vec<_> =
        (0..720).map(|point| Some(if point < 360 { 0.0 } else { 1.0 })).collect();
    assert_eq!(series.values, expected);
}

#[test]
fn beyond_the_second_tier_pairs_of_buckets_are_joined() {
    let mut bench = Bench::new();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    bench.ticks(7200, |tick| work.record(Duration::from_micros(1000 + tick % 60)));
    let ask = |from: u64, to: u64| {
        let (from, to) = (bench.at(from), bench.at(to));
        bench.ask(Query::new("work_seconds").from(from).to(to).step(SECOND * 600).quantile(0.5))
    };
    let recent = ask(6600, 7200);
    assert_eq!(recent.series[0].resolutions[0].step, SECOND * 10);
    assert_near(values(&recent)[0], 0.001029, 1.0);
    let old = ask(600, 1200);
    assert_eq!(old.series[0].resolutions[0].step, SECOND * 60);
    assert_near(values(&old)[0], 0.001029, 2.0);
}

#[test]
fn a_range_is_given_in_wall_time() {
    let mut bench = Bench::new();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(30, |tick| depth.set(tick as f64));
    let answer = bench.ask(Query::new("depth").from(bench.at(10)).to(bench.at(12)).step(SECOND));
    assert_eq!(answer.timestamps, [bench.at(11), bench.at(12)]);
    assert_eq!((answer.from, answer.to), (bench.at(10), bench.at(12)));
    assert_eq!(values(&answer), [Some(10.0), Some(11.0)]);
    // The end is no later than the last sample.
    let late = bench.ask(Query::new("depth").from(bench.at(28)).to(bench.at(99)).step(SECOND));
    assert_eq!(values(&late), [Some(28.0), Some(29.0)]);
}

#[test]
fn without_a_step_there_are_at_most_720_points() {
    let mut bench = Bench::new();
    let _jobs = bench.registry.counter(&JOBS, &["mail"]).unwrap();
    bench.ticks(3, |_| {});
    let check = |range: Duration, step: Duration| {
        let answer = bench.ask(Query::new("jobs_total").last(range));
        assert_eq!(answer.step, step, "{range:?}");
        assert!(answer.timestamps.len() <= 720, "{range:?}");
    };
    check(SECOND * 60, SECOND);
    check(SECOND * 900, SECOND * 10);
    check(SECOND * 7200, SECOND * 10);
    check(SECOND * 86_400, SECOND * 120);
    check(SECOND * 864_000, SECOND * 120);
}

#[test]
fn a_query_that_cannot_be_answered_is_refused() {
    let mut bench = Bench::new();
    let refused = |bench: &Bench, query: Query| bench.history.query(&query).unwrap_err();
    let unknown = QueryError::UnknownMetric { metric: "jobs_total".into(), known: Vec::new() };
    assert_eq!(refused(&bench, Query::new("jobs_total")), unknown);

    let queues: Vec<String> = (0..200).map(|queue| queue.to_string()).collect();
    let register = |queue: &String| bench.registry.counter(&JOBS, &[queue]).unwrap();
    let _jobs: Vec<_> = queues.iter().map(register).collect();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    bench.ticks(3, |_| work.record(SECOND));
    let jobs = || Query::new("jobs_total");
    let now = bench.at(3);
    let empty = jobs().from(now).to(now);
    assert_eq!(refused(&bench, empty), QueryError::EmptyRange);
    let many = jobs().last(SECOND * 86_400).step(SECOND);
    let too_many = QueryError::TooManyPoints { points: 86_400, smallest_step: SECOND * 8 };
    assert_eq!(refused(&bench, many), too_many);
    let most = jobs().last(SECOND * 86_400).step(SECOND * 8);
    let too_wide = QueryError::TooManyValues { series: 200, points: 10_800 };
    assert_eq!(refused(&bench, most), too_wide);
    assert_eq!(refused(&bench, jobs().step(Duration::ZERO)), QueryError::ZeroStep);
    assert_eq!(refused(&bench, Query::new("work_seconds").quantile(1.5)), QueryError::Quantile);
    let no_quantiles = QueryError::NoQuantiles { metric: "jobs_total".into() };
    assert_eq!(refused(&bench, jobs().quantile(0.5)), no_quantiles);
    let no_statistic = QueryError::NoStatistic { metric: "jobs_total".into() };
    assert_eq!(refused(&bench, jobs().buckets()), no_statistic);
    assert!(bench.history.query(&jobs().rate()).is_ok(), "a counter has a rate anyway");
}

#[test]
fn extreme_times_and_steps_are_no_mistake() {
    let mut bench = Bench::new();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(60, |_| depth.set(1.0));
    let first = Timestamp::from_millis(0);
    let last = Timestamp::from_millis(u64::MAX);
    for step in [Duration::from_nanos(1), SECOND * 7, Duration::MAX] {
        let _ = bench.history.query(&Query::new("depth").from(first).to(last).step(step));
        let _ = bench.history.query(&Query::new("depth").last(Duration::MAX).step(step));
        let _ = bench.history.query(&Query::new("depth").from(first).to(bench.at(1)).step(step));
    }
    let long = bench.ask(Query::new("depth").last(Duration::MAX).step(Duration::MAX));
    assert_eq!(values(&long), [Some(1.0)]);
}

#[test]
fn tiers_are_a_setting() {
    let second = |step: u32, keep: u32| Tier::new(SECOND * step, SECOND * keep);
    // Steps are rounded up: to the tick, then to multiples of 1 s and of 4 s.
    let tiers = [Tier::new(Duration::from_millis(1), SECOND * 20), second(4, 60), second(7, 600)];
    let mut bench = Bench::with(History::builder().tiers(&tiers));
    let steps: Vec<_> = bench.history.stats().tiers.iter().map(|tier| tier.step).collect();
    assert_eq!(steps, [SECOND, SECOND * 4, SECOND * 8]);
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    bench.ticks(640, |tick| depth.set((tick / 8) as f64));
    let answer = bench.ask(Query::new("depth").last(SECOND * 480).step(SECOND * 8));
    let expected: Vec<_> = (20..80).map(|n| Some(f64::from(n))).collect();
    assert_eq!(values(&answer), expected);
    let unchanged = History::builder().tiers(&[]);
    assert_eq!(Bench::with(unchanged).history.stats().tiers.len(), Tier::DEFAULT.len());
}

#[test]
fn ticks_shorter_than_the_first_step_are_added_up() {
    let tick = Duration::from_millis(100);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).tick(tick).build();
    let history = History::register(&registry).unwrap();
    let mut ticker = registry.ticker().unwrap();
    let jobs = registry.counter(&JOBS, &["mail"]).unwrap();
    let work = registry.latency(&WORK, &[]).unwrap();
    for n in 0..600 {
        jobs.add(if n % 10 == 0 { 11 } else { 1 });
        work.record(Duration::from_millis(1 + n % 10));
        clock.advance(tick);
        ticker.tick();
    }
    let ask = |query: Query| history.query(&query.last(SECOND * 40).step(SECOND * 10)).unwrap();
    let rates = ask(Query::new("jobs_total"));
    assert_eq!(values(&rates), [Some(20.0); 4]);
    assert_eq!((rates.series[0].min[0], rates.series[0].max[0]), (Some(10.0), Some(110.0)));
    for median in values(&ask(Query::new("work_seconds").quantile(0.5))) {
        assert_near(*median, 0.005, 1.0);
    }
}

#[test]
fn a_step_that_reaches_into_a_coarser_tier_has_the_newest_values_too() {
    let mut bench = Bench::new();
    let work = bench.registry.latency(&WORK, &[]).unwrap();
    let depth = bench.registry.gauge(&DEPTH, &[]).unwrap();
    let day = SECOND * 86_400;
    let mut millis = 0.0;
    let mut count = 0.0;
    // The first minute, and a moment two hours later; neither is at the end of a minute.
    for (seconds, value) in [(30, 10_u32), (7200, 50), (40, 800)] {
        bench.ticks(seconds, |_| {
            work.record(Duration::from_millis(value.into()));
            depth.set(value.into());
            millis += f64::from(value);
            count += 1.0;
        });
        let ask = |query: Query| bench.ask(query.last(day).step(day)).series.remove(0);
        let mean = ask(Query::new("work_seconds"));
        let off = mean.values[0].unwrap() - millis / count / 1e3;
        assert!(off.abs() < 1e-5, "{off} s after {count}");
        assert_near(mean.max[0], f64::from(value) / 1e3, 2.0);
        let median = ask(Query::new("work_seconds").quantile(0.5)).values[0];
        assert_near(median, if count < 100.0 { 0.01 } else { 0.05 }, 2.0);
        assert_eq!(mean.resolutions.len(), 1, "{:?}", mean.resolutions);
    }
}
