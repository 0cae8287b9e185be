//! Extreme and invalid values, passed to every function that takes a value.

use std::time::Duration;

use node0_metrics_core::{
    AnyMetric, Desc, Kind, OwnedDesc, TraceId, Unit, VALUES_CLAMPED, VALUES_DROPPED, Value,
};

use crate::Bench;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.");
const VALUE: Desc = Desc::gauge("value", "A value.");
const LEVEL: Desc = Desc::up_down("level", "A level.");
const PEAK: Desc = Desc::peak("level_peak", "Its peak.");
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3, 1e6]);

const ODD: [f64; 13] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    f64::EPSILON,
    0.0,
    -0.0,
    -1.0,
    1e-300,
    u64::MAX as f64,
    i64::MIN as f64,
];

/// Two to the power of 64: what a distribution takes larger values for.
const LARGEST: f64 = 18_446_744_073_709_551_616.0;

fn own(bench: &mut Bench, desc: &Desc) -> f64 {
    // What a pass finds of odd values, the next one shows.
    bench.tick();
    bench.tick().sample.snapshot.value(desc.name(), &[]).map_or(f64::NAN, Value::as_f64)
}

#[test]
fn counts_of_any_size_wrap_and_are_read() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    jobs.add(0);
    jobs.add(u64::MAX);
    bench.tick();
    assert_eq!(jobs.total(), u64::MAX);
    jobs.add(3);
    let sample = bench.tick().sample;
    assert_eq!((jobs.total(), sample.view().counter(&jobs)), (2, 2));
}

#[test]
fn levels_and_peaks_of_any_size_are_read() {
    let mut bench = Bench::new();
    let level = bench.registry.up_down(&LEVEL, &[]).unwrap();
    let [least, most] = [i64::MIN, i64::MAX];
    for (by, shown) in [(least, 0), (most, 0), (1, 0), (0, 0), (7, 7), (most - 7, most as u64)] {
        level.add(by);
        assert_eq!(level.level(), shown, "after {by}");
    }
    let peak = bench.registry.peak(&PEAK, &[]).unwrap();
    peak.record(0);
    peak.record(u64::MAX);
    assert_eq!(bench.tick().sample.view().peak(&peak), u64::MAX);
}

#[test]
fn a_gauge_shows_any_number() {
    let bench = Bench::new();
    let value = bench.registry.gauge(&VALUE, &[]).unwrap();
    for odd in ODD {
        value.set(odd);
        let shown = bench.registry.read().view().gauge(&value);
        let known = (!odd.is_nan()).then_some(odd);
        assert_eq!(shown.map(f64::to_bits), known.map(f64::to_bits), "{odd}");
        value.add(odd);
    }
    value.set(1.0);
    value.add(-0.5);
    assert_eq!(bench.registry.read().view().gauge(&value), Some(0.5));
}

#[test]
fn durations_of_any_length_are_recorded_and_those_too_long_counted() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    for took in
        [Duration::ZERO, Duration::from_nanos(1), Duration::from_nanos(u64::MAX), Duration::MAX]
    {
        wait.record(took);
        wait.record_traced(took, TraceId::new(0));
    }
    assert_eq!(own(&mut bench, &VALUES_CLAMPED), 4.0);
    let sample = bench.registry.read();
    let total = sample.view().latency(&wait).unwrap().total().clone();
    let longest = ((1_u64 << 42) - 1) as f64 / 1e9;
    assert_eq!(total.count(), 8);
    assert!((total.sum() - 4.0 * longest).abs() < 1e-6, "{}", total.sum());
}

#[test]
fn sizes_of_any_kind_are_recorded_or_counted() {
    let mut bench = Bench::new();
    let size = bench.registry.distribution(&SIZE, &[]).unwrap();
    ODD.iter().for_each(|odd| size.record(*odd));
    // NaN, both infinities, and three below zero.
    assert_eq!(own(&mut bench, &VALUES_DROPPED), 6.0);
    assert_eq!(own(&mut bench, &VALUES_CLAMPED), 1.0);
    let sample = bench.registry.read();
    let total = sample.view().distribution(&size).unwrap().total().clone();
    assert_eq!((total.count(), total.sum()), (7, 2.0 * LARGEST));
    assert_eq!(total.at_most(0.0), 4, "zero, minus zero, and two next to it");
    assert_eq!(total.at_most(1.0), 5);
}

#[test]
fn more_values_than_can_be_told_are_dropped_and_counted() {
    let mut bench = Bench::new();
    let size = bench.registry.distribution(&SIZE, &[]).unwrap();
    let most = 1 << 56;
    size.record_n(1.0, most - 1);
    size.record_n(2.0, u64::MAX);
    assert_eq!(own(&mut bench, &VALUES_DROPPED), u64::MAX as f64);
    (0..2).for_each(|_| size.record(2.0));
    size.record_n(2.0, 0);
    let sample = bench.registry.read();
    assert_eq!(sample.view().distribution(&size).unwrap().total().count(), most);
}

#[test]
fn custom_metrics_take_the_nearest_value_that_they_can() {
    let mut bench = Bench::new();
    let metric = |kind| {
        let desc = OwnedDesc::new(kind, &format!("custom_{kind:?}"), "Custom.").unwrap();
        bench.registry.metric(&desc, &[]).unwrap()
    };
    let all =
        [Kind::Counter, Kind::Gauge, Kind::UpDown, Kind::Peak, Kind::Latency, Kind::Distribution]
            .map(metric);
    for odd in ODD {
        all.iter().for_each(|metric| metric.apply(odd));
    }
    // The six of a distribution, and the one that is no duration.
    assert_eq!(own(&mut bench, &VALUES_DROPPED), 7.0);
    // Durations that are longer than any: infinity, the largest, and 2⁶⁴ seconds; and one size.
    assert_eq!(own(&mut bench, &VALUES_CLAMPED), 4.0);
    let view = bench.registry.read();
    let [_, _, _, AnyMetric::Peak(peak), AnyMetric::Latency(wait), _] = &all else {
        panic!("{all:?}")
    };
    assert_eq!(view.view().peak(peak), u64::MAX);
    assert_eq!(view.view().latency(wait).unwrap().total().count(), ODD.len() as u64 - 1);
}
