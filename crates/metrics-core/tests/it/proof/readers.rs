//! The numbers do not depend on the readers, on how often they read, or on the ticker.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use node0_metrics_core::{Histogram, LatencySummary};
use serde_json::json;
use testbed::prove::{self, Length};

use super::data::{Random, SOURCES};
use super::life::{Jump, Life, TICK, Ticking};
use super::oracle::Rule;

const RULE: Rule = Rule { samples: 1000, max_age: Duration::from_secs(60) };

/// A tick's worth of work, with a pause after each part of it.
struct Plan {
    parts: Vec<(usize, Vec<Duration>, Duration)>,
    /// The delay of the tick.
    late: Duration,
}

/// Many ticks of bursts, trickles and silence.
fn plans(ticks: usize, random: &mut Random) -> Vec<Plan> {
    let tick = |random: &mut Random| {
        let busy = [0, 0, 1, 2, 4][random.below(5) as usize];
        let part = |random: &mut Random| {
            let n = [1, 3, 100, 999, 2500][random.below(5) as usize];
            let source = SOURCES[random.below(SOURCES.len() as u64) as usize];
            let pause = Duration::from_millis(random.below(200));
            (random.below(2) as usize, (source.durations)(random, n), pause)
        };
        Plan {
            parts: (0..busy).map(|_| part(random)).collect(),
            late: Duration::from_nanos(random.below(2) * random.below(20_000_000_000)),
        }
    };
    (0..ticks).map(|_| tick(random)).collect()
}

/// A way to read a registry while it is in use.
#[derive(Clone, Copy, Debug)]
struct Way {
    ticking: Ticking,
    /// Readers read between ticks.
    scrapes: bool,
    /// The wall clock is set at each tick.
    jumps: bool,
}

const UNDISTURBED: Way = Way { ticking: Ticking::Ticker, scrapes: false, jumps: false };

/// Lives through the plans; what each tick's sample said, by series.
fn live(way: Way, plans: &[Plan]) -> Vec<Vec<LatencySummary>> {
    let mut life = Life::new(RULE, way.ticking);
    // Where nobody ticks, the first reading does.
    life.tick(Duration::ZERO);
    life.register();
    let mut seen = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        if at == plans.len() / 3 {
            life.register();
        }
        if way.jumps {
            life.jump(if at % 3 == 0 { Jump::TenYearsOn } else { Jump::AnHourBack });
        }
        let mut rest = TICK;
        for (series, durations, pause) in &plan.parts {
            life.record(*series, durations);
            life.pause(*pause);
            rest -= *pause + Duration::from_nanos(1);
            if way.scrapes {
                let first = life.read();
                let again = life.read();
                assert_ne!(first.pass, again.pass);
                assert_eq!(summaries(&life, &first), summaries(&life, &again), "of one moment");
            }
        }
        let sample = life.tick(rest + plan.late);
        let ticked = summaries(&life, &sample);
        assert_eq!(summaries(&life, &life.registry().latest()), ticked, "published and ticked");
        if way.scrapes {
            assert_eq!(life.summaries(), ticked, "read afresh and ticked");
        }
        seen.push(ticked);
    }
    life.judge_clamped();
    seen
}

fn summaries(life: &Life, sample: &node0_metrics_core::Sample) -> Vec<LatencySummary> {
    life.histograms(sample).into_iter().map(LatencySummary::from).collect()
}

/// Lives through many schedules in each of the ways, which must all see what an undisturbed life sees.
fn agree(figure: &str, ways: &[Way]) {
    let (schedules, ticks) = Length::of_this_run().pick((5, 100), (200, 300));
    for seed in 0..schedules {
        let plans = plans(ticks, &mut Random::seeded(seed));
        let undisturbed = live(UNDISTURBED, &plans);
        for &way in ways {
            let seen = live(way, &plans);
            for (tick, (seen, expected)) in seen.iter().zip(&undisturbed).enumerate() {
                assert_eq!(seen, expected, "tick {tick} of schedule {seed}, {way:?}");
            }
        }
    }
    let figures = json!({ "schedules": schedules, "ticks": ticks, "ways": ways.len() });
    prove::report(&json!({ figure: figures })).expect("the file of figures can be written");
}

#[test]
fn readers_agree_with_a_ticker_without_one_and_with_scrapes_beside_it() {
    let scraped = Way { scrapes: true, ..UNDISTURBED };
    let unattended = Way { ticking: Ticking::Readers, ..UNDISTURBED };
    agree("readers", &[scraped, unattended, Way { scrapes: true, ..unattended }]);
}

#[test]
fn an_hour_back_and_ten_years_on_by_the_wall_clock_change_nothing() {
    let jumping = Way { scrapes: true, jumps: true, ..UNDISTURBED };
    agree("wallJumps", &[jumping, Way { ticking: Ticking::Readers, ..jumping }]);
}

/// Eight readers at once, at the very moment when a tick is due: one of them ends it.
#[test]
fn readers_that_arrive_together_see_the_same() {
    for ticking in [Ticking::Ticker, Ticking::Readers] {
        let mut life = Life::new(RULE, ticking);
        life.register();
        let mut random = Random::seeded(8);
        for _ in 0..Length::of_this_run().pick(50, 2000) {
            let source = SOURCES[random.below(SOURCES.len() as u64) as usize];
            let n = 1 + random.below(1500) as usize;
            life.record(0, &(source.durations)(&mut random, n));
            life.pause(TICK);
            let together = Barrier::new(8);
            let registry = life.registry();
            let samples: Vec<_> = thread::scope(|scope| {
                let read = || {
                    together.wait();
                    registry.read()
                };
                let readers: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
                readers.into_iter().map(|reader| reader.join().unwrap()).collect()
            });
            let seen: Vec<Vec<&Histogram>> =
                samples.iter().map(|sample| life.histograms(sample)).collect();
            assert!(seen.iter().all(|one| *one == seen[0]), "{ticking:?}");
            life.was_read();
            life.judge(&samples[0]);
        }
    }
}
