//! A parsed page has the values of the snapshot, for random metrics and recordings.

use std::collections::BTreeMap;
use std::time::Duration;

use node0_exporter::{Format, Naming};
use node0_metrics_core::{
    AnyMetric, Classic, ClassicShape, Kind, OwnedDesc, Registry, Snapshot, Value,
};
use proptest::prelude::*;

use crate::{Bench, grammar};

/// A series to register, and the values to record in it.
#[derive(Clone, Debug)]
struct Series {
    family: usize,
    values: [String; 2],
    recorded: Vec<f64>,
}

/// Families of every kind; some of their classic names clash.
const FAMILIES: &[(Kind, &str)] = &[
    (Kind::Counter, "jobs_total"),
    (Kind::Gauge, "running"),
    (Kind::Counter, "throughput_x_total"),
    (Kind::Gauge, "level_bytes"),
    (Kind::UpDown, "in_flight"),
    (Kind::Peak, "peak"),
    (Kind::Latency, "wait_seconds"),
    (Kind::Distribution, "size"),
    (Kind::Distribution, "unbounded"),
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[\\\\\"\n{},= #a-z:_é\u{2028}\r\t]{0,12}",
        2 => ".{0,8}",
        1 => any::<String>(),
        1 => Just("\\n\"\n".repeat(2_500)),
    ]
}

fn series() -> impl Strategy<Value = Vec<Series>> {
    let recorded = prop_oneof![
        0.0f64..10.0,
        1e-9f64..1e-3,
        1e3f64..1e12,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
    ];
    let one = (0..FAMILIES.len(), [hostile(), hostile()], prop::collection::vec(recorded, 0..6));
    let one = one.prop_map(|(family, values, recorded)| Series { family, values, recorded });
    prop::collection::vec(one, 0..24)
}

fn classic(kind: Kind) -> Option<Classic> {
    let (shape, name) = match kind {
        Kind::Counter => (ClassicShape::Counter, "throughput_{first}_total"),
        Kind::Latency => (ClassicShape::Summary, "latency_ms_{first}"),
        Kind::Gauge => (ClassicShape::Gauge, "{first}"),
        _ => return None,
    };
    Some(Classic { shape, name, help: "{first} and {none}" })
}

fn record(registry: &Registry, helps: &[String], series: &[Series]) -> Vec<AnyMetric> {
    let described = |(kind, name): &(Kind, &str), help: &str| {
        let mut desc = OwnedDesc::new(*kind, name, help).expect("a good name");
        desc.classic = classic(*kind);
        if *name == "size" { desc.with_bounds(&[0.0, 1.0, 1e3]).expect("rising") } else { desc }
    };
    let register = |series: &Series| {
        let desc = described(&FAMILIES[series.family], &helps[series.family]);
        let labels = [("first", &*series.values[0]), ("second", &*series.values[1])];
        let metric = registry.metric(&desc, &labels).expect("one description per name");
        for value in &series.recorded {
            match &metric {
                AnyMetric::Counter(counter) => counter.add(*value as u64),
                AnyMetric::Gauge(gauge) => gauge.set(*value),
                AnyMetric::UpDown(level) => level.add(*value as i64),
                AnyMetric::Peak(peak) => peak.record(*value as u64),
                AnyMetric::Latency(latency) => {
                    latency.record(Duration::try_from_secs_f64(*value).unwrap_or_default());
                }
                AnyMetric::Distribution(distribution) => distribution.record(*value),
                other => panic!("{other:?}"),
            }
        }
        metric
    };
    series.iter().map(register).collect()
}

type Found = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// Returns the samples that a page of the snapshot must have, without the buckets.
fn expected(snapshot: &Snapshot) -> Found {
    let mut found = Found::new();
    for family in snapshot.families() {
        let name = &*family.desc.name;
        for (labels, value) in family.series() {
            let labels: BTreeMap<_, _> =
                labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let mut put = |suffix: &str, value| {
                found.insert((format!("{name}{suffix}"), labels.clone()), value)
            };
            if let Value::Histogram(histogram) = value {
                put("_count", histogram.total().count() as f64);
                put("_sum", histogram.total().sum());
            } else {
                put("", value.as_f64());
            }
        }
    }
    found
}

fn found(families: &BTreeMap<String, grammar::Family>) -> Found {
    let samples = families.values().flat_map(|family| &family.samples);
    let plain = samples.filter(|sample| !sample.labels.contains_key("le"));
    plain.map(|sample| ((sample.name.clone(), sample.labels.clone()), sample.value)).collect()
}

/// Returns `true` if both are equal; NaN equals NaN.
fn same(a: &Found, b: &Found) -> bool {
    let bits =
        |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    a.keys().eq(b.keys()) && a.values().map(bits).eq(b.values().map(bits))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_standard_page_reads_back_as_the_snapshot(
        helps in prop::collection::vec(hostile(), FAMILIES.len()),
        series in series(),
    ) {
        let bench = Bench::new();
        let _handles = record(&bench.registry, &helps, &series);
        let sample = bench.registry.read();
        let mut page = Vec::new();
        let rendered = bench.exporter.render(&sample, Format::Text, Naming::Standard, &mut page);
        prop_assert_eq!(rendered.skipped, 0);
        let families = grammar::parse(std::str::from_utf8(&page)?)
            .map_err(TestCaseError::fail)?;
        prop_assert!(same(&found(&families), &expected(&sample.snapshot)));
        for family in sample.snapshot.families() {
            let read = &families[&*family.desc.name];
            prop_assert_eq!(&read.help, &family.desc.help);
            prop_assert_eq!(&read.kind, family.desc.kind.metric_type());
        }
    }

    #[test]
    fn a_page_with_both_namings_has_nothing_twice_and_loses_no_count(
        helps in prop::collection::vec(hostile(), FAMILIES.len()),
        series in series(),
    ) {
        let bench = Bench::new();
        let _handles = record(&bench.registry, &helps, &series);
        let (_, both) = bench.render(Format::Text, Naming::Both);
        grammar::parse(&both).map_err(TestCaseError::fail)?;
        let (rendered, page) = bench.render(Format::Text, Naming::Classic);
        let families = grammar::parse(&page).map_err(TestCaseError::fail)?;
        if rendered.skipped == 0 {
            let sample = bench.registry.read();
            let recorded = expected(&sample.snapshot);
            let of = |found: &Found, prefix: &str, suffix: &str| -> f64 {
                let named = |name: &str| name.starts_with(prefix) && name.ends_with(suffix);
                found.iter().filter(|((name, _), _)| named(name)).map(|(_, value)| value).sum()
            };
            let shown = found(&families);
            let latencies = of(&recorded, "wait_seconds", "_count");
            prop_assert_eq!(of(&shown, "latency_ms_", "_count"), latencies);
        }
    }
}
