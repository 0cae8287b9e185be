//! The budgets of memory, with made-up load of which the entropy is known.

use std::time::Duration;

use allocation_counter::measure;
use node0_interval_codec::Counts;
use node0_metrics_core::{
    AnyMetric, Counter, Desc, Distribution, Gauge, Kind, Layout, ManualClock, OwnedDesc, Registry,
    Ticker, Unit,
};
use testbed::random::{Random, entropy};

use super::Store;
use crate::entry::{Entry, Past, each_past};
use crate::query::Query;
use crate::reading::Taken;
use crate::tier::{Plan, Tier};
use crate::track::Tracks;

const SECOND: Duration = Duration::from_secs(1);
const LEVEL: Desc = Desc::gauge("level", "A level.").labels(&["n"]);
const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const FLOOD: Desc = Desc::counter("flood_total", "Many.").labels(&["n"]);
const CPU: Desc = Desc::total("cpu_seconds_total", "CPU time.");
const SIZE: Desc = Desc::distribution("size", "Sizes.", Unit::None, &[]).labels(&["n"]);

/// The buckets of a made-up distribution.
const BUCKETS: u16 = 300;

/// A registry with made-up load, and a store that observes it.
struct Load {
    clock: ManualClock,
    registry: Registry,
    ticker: Ticker,
    store: Store,
    random: Random,
    levels: Vec<(Gauge, f64)>,
    jobs: Vec<Counter>,
    sizes: Vec<Distribution>,
}

impl Load {
    fn new(numbers: usize, distributions: usize, max_bytes: usize) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let label = |n: usize| n.to_string();
        let level = |n| (registry.gauge(&LEVEL, &[&label(n)]).unwrap(), 1000.0 / (n + 1) as f64);
        Self {
            ticker: registry.ticker().unwrap(),
            store: Store::new(Plan::new(&Tier::DEFAULT, SECOND), SECOND, max_bytes),
            random: Random(0x9E37_79B9_7F4A_7C15),
            levels: (0..numbers / 2).map(level).collect(),
            jobs: (0..numbers / 2)
                .map(|n| registry.counter(&JOBS, &[&label(n)]).unwrap())
                .collect(),
            sizes: (0..distributions)
                .map(|n| registry.distribution(&SIZE, &[&label(n)]).unwrap())
                .collect(),
            clock,
            registry,
        }
    }

    /// Runs for some seconds.
    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            for (gauge, level) in &mut self.levels {
                *level *= 1.0 + 0.02 * (self.random.uniform() - 0.5);
                gauge.set(*level);
            }
            for (n, jobs) in self.jobs.iter().enumerate() {
                jobs.add(self.random.poisson(10.0 * (n + 1) as f64));
            }
            for size in &self.sizes {
                for bucket in 0..BUCKETS {
                    let value = Layout::Distribution.midpoint(FIRST + bucket);
                    let count = self.random.poisson(expected(bucket));
                    (0..count).for_each(|_| size.record(value));
                }
            }
            self.clock.advance(SECOND);
            let sample = self.ticker.tick().sample;
            self.store.observe(&sample, 0);
        }
    }
}

/// The first bucket with values.
const FIRST: u16 = 4800;

/// The values that a bucket is expected to get in a second: 500 in all, spread like a bell.
fn expected(bucket: u16) -> f64 {
    let x = (f64::from(bucket) + 0.5 - f64::from(BUCKETS) / 2.0) / 60.0;
    500.0 / (60.0 * std::f64::consts::TAU.sqrt()) * (-x * x / 2.0).exp()
}

/// The entropy of one interval of `seconds`, in bytes, after buckets were joined.
fn bytes_of_interval(seconds: f64, joined: u16) -> f64 {
    let bucket = |first: u16| {
        let expected: f64 = (first..first + joined).map(expected).sum();
        entropy(expected * seconds)
    };
    (0..BUCKETS).step_by(joined.into()).map(bucket).sum::<f64>() / 8.0
}

/// The bytes of all series of a name, with everything around their intervals.
fn bytes_of(store: &Store, name: &str) -> usize {
    store.metric(name).iter().map(|entry| entry.bytes()).sum()
}

#[test]
fn an_hour_of_distributions_is_near_its_entropy() {
    let mut load = Load::new(0, 20, usize::MAX / 2);
    load.run(3600);
    let occupied = (0..BUCKETS).filter(|bucket| 10.0 * expected(*bucket) > 1.0).count();
    assert!(occupied >= 200, "{occupied} buckets mostly have a count in ten seconds");
    let (mut data, mut entropy) = (0, 0.0);
    for (tier, joined) in [(0, 1), (1, 1), (2, 2)] {
        let of_tier = |count: fn(&Tracks<Counts>, usize) -> usize| {
            let tracks = load.store.metric("size").iter().map(|entry| match &entry.past {
                Past::Buckets(tracks, _) => count(tracks, tier),
                other => panic!("not buckets: {other:?}"),
            });
            tracks.sum::<usize>()
        };
        let intervals = of_tier(|tracks, tier| tracks.points(tier) as usize);
        let step = load.store.plan.tiers[tier].step as f64 / 1000.0;
        let at_best = intervals as f64 * bytes_of_interval(step, joined);
        let bytes = of_tier(|tracks, tier| tracks.data_bytes(tier));
        println!("{step} s: {intervals} intervals, {:.3}", bytes as f64 / at_best);
        data += bytes;
        entropy += at_best;
    }
    let all = bytes_of(&load.store, "size");
    let ratios = [data, all].map(|bytes| bytes as f64 / entropy);
    println!("{entropy:.0} bytes of entropy, {data} of intervals, {all} in all: {ratios:.3?}");
    assert!(ratios[0] <= 1.15 && ratios[1] <= 1.3, "{ratios:?}");
}

#[test]
fn an_hour_of_a_hundred_series_and_twenty_distributions_takes_three_megabytes() {
    let mut load = Load::new(100, 20, usize::MAX / 2);
    load.run(3600);
    let stats = load.store.stats();
    let (level, jobs) = (bytes_of(&load.store, "level"), bytes_of(&load.store, "jobs_total"));
    println!("{} bytes, of which 50 gauges {level} and 50 counters {jobs}", stats.bytes);
    assert!(stats.bytes <= 3_000_000, "{stats:?}");
    let store = load.store;
    let freed = -measure(|| drop(store)).bytes_current as f64;
    let ratio = stats.bytes as f64 / freed;
    assert!((0.9..=1.1).contains(&ratio), "{} of {freed} bytes", stats.bytes);
}

#[test]
fn memory_is_flat_after_a_day() {
    let mut load = Load::new(20, 1, usize::MAX / 2);
    load.run(25 * 3600);
    let first = load.store.stats().bytes as f64;
    for hour in 26..=48 {
        load.run(3600);
        let ratio = load.store.stats().bytes as f64 / first;
        assert!(
            (0.98..=1.02).contains(&ratio),
            "{ratio} times the bytes of hour 25 in hour {hour}"
        );
    }
}

#[test]
fn beyond_the_limit_the_oldest_intervals_go_first() {
    const LIMIT: usize = 200_000;
    let mut load = Load::new(20, 2, LIMIT);
    load.run(1200);
    let before = load.store.stats();
    assert!(before.evicted > 0);
    for _ in 0..600 {
        load.run(1);
        assert!(load.store.stats().bytes <= LIMIT);
    }
    // No block that is left ends before one that was dropped.
    let mut ends = Vec::new();
    for entry in &load.store.entries {
        let plan = &load.store.plan;
        each_past!(&entry.past, tracks => {
            ends.extend(tracks.sealed().map(|(tier, last, _)| plan.tiers[tier].end(last)));
        });
    }
    assert!(ends.iter().all(|end| *end > load.store.evicted_until));
    assert!(load.store.now() - load.store.evicted_until > 60_000, "the last minute is there");
    assert_eq!(load.store.stats().refused, 0);
}

#[test]
fn a_flood_of_series_stays_within_the_limit() {
    const LIMIT: usize = 1_000_000;
    let mut load = Load::new(20, 0, LIMIT);
    let registry = load.registry.clone();
    load.run(10);
    for second in 0..300_u32 {
        // A thousand series that are never seen again.
        let label = |n: u32| (second * 1000 + n).to_string();
        let _flood: Vec<_> = (0..900)
            .map(|n| registry.counter(&FLOOD, &[&label(n)]).unwrap())
            .inspect(|counter| counter.inc())
            .collect();
        load.run(1);
        assert!(load.store.stats().bytes <= LIMIT, "second {second}");
    }
    assert!(load.store.stats().refused > 0);
    // Those that were there before are still recorded.
    let newest = load.store.metric("jobs_total").iter().map(|entry| entry.seen).min();
    assert_eq!(newest, Some(310));
    let store = load.store;
    let stats = store.stats();
    let freed = -measure(|| drop(store)).bytes_current as f64;
    let ratio = stats.bytes as f64 / freed;
    assert!((0.9..=1.1).contains(&ratio), "{} of {freed} bytes", stats.bytes);
}

#[test]
fn missed_samples_are_a_gap_also_for_totals() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let total = registry.total(&CPU, &[]).unwrap();
    let mut ticker = registry.ticker().unwrap();
    let mut store = Store::new(Plan::new(&Tier::DEFAULT, SECOND), SECOND, usize::MAX / 2);
    for second in 0..10_u32 {
        total.set(f64::from(second * second));
        clock.advance(SECOND);
        let sample = ticker.tick().sample;
        // Three samples are lost before the one of second 7.
        match second {
            4..7 => continue,
            7 => store.observe(&sample, 3),
            _ => store.observe(&sample, 0),
        }
        // The same sample again changes nothing.
        store.observe(&sample, 0);
    }
    let query = Query::new("cpu_seconds_total").last(SECOND * 10).step(SECOND);
    let answer = Taken::new(&store, &query).unwrap().answer();
    let rates = [0.0, 1.0, 3.0, 5.0, 0.0, 0.0, 0.0, 0.0, 15.0, 17.0].map(Some);
    let mut expected = rates;
    expected[0] = None;
    expected[4..8].fill(None);
    assert_eq!(answer.series[0].values, expected);
}

#[test]
fn cleanup_returns_memory_and_does_no_more_when_repeated() {
    let mut load = Load::new(20, 1, usize::MAX / 2);
    load.run(400);
    let before = load.store.stats();
    load.store.expire();
    load.store.shrink();
    let after = load.store.stats();
    assert!(after.bytes < before.bytes);
    assert_eq!(after.data_points, before.data_points);
    load.store.expire();
    load.store.shrink();
    assert_eq!(load.store.stats(), after);
}

/// Ten minutes of the demo under load, a line for each counter and gauge: the name, `c` or `g`, and
/// the increments or values of each second, where `7*3` is three times 7 and `-` an unknown one.
const DEMO: &str = include_str!("recorded/demo.txt");

#[test]
fn recorded_counters_and_gauges_take_less_than_a_byte_each() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let mut ticker = registry.ticker().unwrap();
    let mut store = Store::new(Plan::new(&Tier::DEFAULT, SECOND), SECOND, usize::MAX / 2);
    let mut series: Vec<_> =
        DEMO.lines().enumerate().map(|(n, line)| Replayed::new(&registry, n, line)).collect();
    let seconds = series[0].values.len();
    for second in 0..seconds {
        series.iter_mut().for_each(|series| series.replay(second));
        clock.advance(SECOND);
        store.observe(&ticker.tick().sample, 0);
    }
    let recorded = |entry: &Entry| entry.name.starts_with("demo_");
    for tier in 0..2 {
        let (mut points, mut bytes) = (0, 0);
        for entry in store.entries.iter().filter(|entry| recorded(entry)) {
            each_past!(&entry.past, tracks => {
                points += tracks.points(tier);
                bytes += tracks.data_bytes(tier);
            });
        }
        let each = bytes as f64 / points as f64;
        println!("tier {tier}: {points} numbers, {bytes} bytes, {each:.2} bytes each");
        assert!(each <= 0.8, "{each} bytes each in tier {tier}");
    }
}

/// A recorded series that is recorded again.
struct Replayed {
    metric: AnyMetric,
    values: Vec<Option<f64>>,
    /// The sum of the increments of a total.
    total: Option<f64>,
}

impl Replayed {
    fn new(registry: &Registry, n: usize, line: &str) -> Self {
        let mut words = line.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let values: Vec<Option<f64>> = words
            .flat_map(|word| {
                let (value, times) = word.split_once('*').unwrap_or((word, "1"));
                std::iter::repeat_n(value.parse().ok(), times.parse().unwrap())
            })
            .collect();
        let is_whole = values.iter().flatten().all(|value| value.fract() == 0.0);
        let kind = match kind {
            "c" if is_whole => Kind::Counter,
            "c" => Kind::Total,
            _ => Kind::Gauge,
        };
        let desc = OwnedDesc::new(kind, &format!("demo_{name}"), "Recorded.").unwrap();
        let metric = registry.metric(&desc, &[("n", &n.to_string())]).unwrap();
        Self { metric, values, total: (kind == Kind::Total).then_some(0.0) }
    }

    fn replay(&mut self, second: usize) {
        let Some(value) = self.values[second] else { return };
        match &mut self.total {
            Some(total) => {
                *total += value;
                self.metric.apply(*total);
            }
            None => self.metric.apply(value),
        }
    }
}

#[test]
fn open_blocks_alone_stay_within_the_limit() {
    const LIMIT: usize = 200_000;
    let mut load = Load::new(20, 10, LIMIT);
    for second in 0..300 {
        load.run(1);
        let bytes = load.store.stats().bytes;
        assert!(bytes <= LIMIT, "{bytes} bytes in second {second}");
    }
    let answer = Taken::new(&load.store, &Query::new("jobs_total").last(SECOND * 2).step(SECOND));
    let answer = answer.unwrap().answer();
    assert_eq!(answer.series.len(), 10);
    assert!(answer.series.iter().all(|series| series.values[1].is_some()));
}
