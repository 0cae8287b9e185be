//! Percentiles, `samples` and `windowSeconds` equal those of the oracle.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use testbed::prove::{self, Length};

use super::data::{Random, SOURCES, Source};
use super::life::{Jump, Life, TICK, Ticking};
use super::oracle::Rule;
use super::verdict::Errors;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

#[test]
fn percentiles_of_every_kind_of_data_are_within_the_documented_error() {
    let most = Length::of_this_run().pick(100_000, 1_000_000);
    let mut by_source = serde_json::Map::new();
    for source in SOURCES {
        let mut errors = Errors::default();
        for samples in [1, 2, 999, 1000, 1001, most] {
            let mut random = Random::seeded(samples as u64);
            errors.add(of_one_burst(source, samples, &mut random));
            errors.add(of_many_ticks(source, samples, &mut random));
        }
        by_source.insert(source.name.to_owned(), errors.figures());
    }
    prove::report(&json!({ "largestWindow": most, "percentiles": by_source })).unwrap();
}

/// All samples fall into one tick, so however many there are, they are the window.
fn of_one_burst(source: Source, samples: usize, random: &mut Random) -> Errors {
    let mut life = Life::new(Rule { samples: 1000, max_age: FIVE_MINUTES }, Ticking::Ticker);
    life.register();
    life.record(0, &(source.durations)(random, samples));
    let running = life.read();
    assert_eq!(life.histograms(&running)[0].window().samples(), samples as u64);
    let closed = life.tick(TICK);
    assert_eq!(life.histograms(&closed)[0].window().samples(), samples as u64);
    // Only once the ticks after it have enough is it left out.
    life.record(0, &(source.durations)(random, 999));
    life.tick(TICK);
    life.record(0, &(source.durations)(random, 1));
    let left = life.tick(TICK);
    assert_eq!(life.histograms(&left)[0].window().samples(), 1000);
    life.judge_clamped();
    life.errors
}

/// The samples are spread over ticks, after others that are not to be seen any more.
fn of_many_ticks(source: Source, samples: usize, random: &mut Random) -> Errors {
    let mut life = Life::new(Rule { samples, max_age: FIVE_MINUTES }, Ticking::Ticker);
    life.register();
    let durations = (source.durations)(random, samples + samples / 2 + 1);
    let (unseen, seen) = durations.split_at(samples / 2 + 1);
    life.record(0, unseen);
    life.tick(TICK);
    for part in seen.chunks(samples.div_ceil(20)) {
        life.record(0, part);
        life.tick_unseen(TICK);
    }
    let sample = life.read();
    assert_eq!(life.histograms(&sample)[0].window().samples(), samples as u64);
    life.record(0, &durations[..1]);
    life.read();
    life.judge_clamped();
    life.errors
}

/// A step in the life of a registry.
#[derive(Clone, Copy, Debug)]
enum Step {
    Record { series: usize, source: Source, n: usize, seed: u64 },
    Tick(Duration),
    Silence { ticks: usize, gap: Duration },
    Pause(Duration),
    Read,
    Register,
    Jump(Jump),
}

fn step() -> impl Strategy<Value = Step> {
    let n = prop_oneof![4 => 1..4usize, 3 => 1..200usize, 2 => 998..1003usize, 1 => 1..4000usize];
    let record = (0..3usize, prop::sample::select(&SOURCES[..]), n, any::<u64>())
        .prop_map(|(series, source, n, seed)| Step::Record { series, source, n, seed });
    // A second that is late or early by what a busy machine makes of it, and worse.
    let gap = prop_oneof![
        3 => Just(TICK),
        3 => (1..2_000_000_000u64).prop_map(Duration::from_nanos),
        1 => (1..400u64).prop_map(Duration::from_secs),
    ];
    prop_oneof![
        6 => record,
        6 => gap.clone().prop_map(Step::Tick),
        1 => (1..40usize, gap.clone()).prop_map(|(ticks, gap)| Step::Silence { ticks, gap }),
        1 => gap.prop_map(Step::Pause),
        2 => Just(Step::Read),
        1 => Just(Step::Register),
        1 => prop_oneof![Just(Jump::AnHourBack), Just(Jump::TenYearsOn)].prop_map(Step::Jump),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let samples = prop_oneof![prop::sample::select(&[1, 2, 999, 1000, 1001][..]), 1..5000usize];
    let max_age = prop_oneof![
        4 => (1..400u64).prop_map(Duration::from_secs),
        1 => (1..3_000_000_000u64).prop_map(Duration::from_nanos),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
    ];
    (samples, max_age).prop_map(|(samples, max_age)| Rule { samples, max_age })
}

fn live(rule: Rule, ticking: Ticking, steps: &[Step]) -> Errors {
    let mut life = Life::new(rule, ticking);
    life.register();
    for &step in steps {
        match step {
            Step::Record { series, source, n, seed } => {
                life.record(series, &(source.durations)(&mut Random::seeded(seed), n));
            }
            Step::Tick(gap) => drop(life.tick(gap)),
            Step::Silence { ticks, gap } => (0..ticks).for_each(|_| drop(life.tick(gap))),
            Step::Pause(gap) => life.pause(gap),
            Step::Read => drop(life.read()),
            Step::Register => life.register(),
            Step::Jump(jump) => life.jump(jump),
        }
    }
    life.judge_clamped();
    life.errors
}

#[test]
fn windows_are_the_oracles_whatever_happens() {
    let cases = Length::of_this_run().pick(500, 20_000);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::default());
    let ticking = prop::sample::select(&[Ticking::Ticker, Ticking::Readers][..]);
    let steps = prop::collection::vec(step(), 1..60);
    let errors = std::cell::RefCell::new(Errors::default());
    let outcome = TestRunner::new_with_rng(config, random).run(
        &(rule(), ticking, steps),
        |(rule, ticking, steps)| {
            errors.borrow_mut().add(live(rule, ticking, &steps));
            Ok(())
        },
    );
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let figures = errors.borrow().figures();
    prove::report(&json!({ "properties": { "cases": cases, "errors": figures } })).unwrap();
}

#[test]
fn an_idle_series_becomes_empty_at_its_longest_age_and_not_before() {
    let mut life = Life::new(Rule { samples: 1000, max_age: FIVE_MINUTES }, Ticking::Ticker);
    life.register();
    life.record(0, &[Duration::from_millis(7); 5]);
    let moment = Duration::from_nanos(1);
    for _ in 0..299 {
        life.tick(TICK);
    }
    let last = life.tick(TICK - moment);
    assert_eq!(life.histograms(&last)[0].window().samples(), 5);
    // Reading does not need a tick to see that the time has come.
    life.pause(moment);
    let empty = life.read();
    let seen = life.histograms(&empty)[0];
    assert_eq!((seen.window().samples(), seen.window().buckets().quantile(0.5)), (0, None));
    assert_eq!(seen.total().count(), 5, "totals stay");
    let summary = life.summaries()[0];
    assert_eq!((summary.samples, summary.p50, summary.avg, summary.max), (0, None, None, None));
    assert!(summary.window_seconds < 300.0);
}
