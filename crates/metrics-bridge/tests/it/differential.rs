//! The same data gives the same numbers in node0 and in `metrics-exporter-prometheus`.

use std::collections::BTreeMap;

use metrics::{Key, Label, Level, Metadata, with_recorder};
use node0_exporter::Format;
use node0_metrics_core::Registry;
use proptest::prelude::*;
use testbed::exposition;
use testbed::tools;

use crate::bench::{Bench, theirs};

static METADATA: Metadata<'static> = Metadata::new("test", Level::INFO, None);

/// One call of the facade.
#[derive(Clone, Debug)]
enum Call {
    Increment(usize, u32),
    Absolute(usize, u32),
    Set(usize, f64),
    Raise(usize, f64),
    Lower(usize, f64),
    Record(usize, f64, usize),
}

/// Label values of which each metric has some.
const VALUES: [&str; 4] = ["", "a", "B \"quoted\"", "é\nnew"];

/// Bounds of ours, and on both sides of each what a value may be off.
const BOUNDS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let value = prop_oneof![0.0f64..20.0, 1e-6f64..1e-2, prop::sample::select(&BOUNDS[..])];
    let call = (0..VALUES.len(), 0..6, any::<u16>(), value, 1_usize..50).prop_map(
        |(label, call, whole, value, times)| match call {
            0 => Call::Increment(label, whole.into()),
            1 => Call::Absolute(label, u32::from(whole) * 4),
            2 => Call::Set(label, value - 7.0),
            3 => Call::Raise(label, value),
            4 => Call::Lower(label, value),
            _ => Call::Record(label, value, times),
        },
    );
    prop::collection::vec(call, 1..60)
}

fn apply(calls: &[Call]) {
    let key = |name: &'static str, label: usize| {
        Key::from_parts(name, vec![Label::new("kind", VALUES[label]), Label::new("of", "x")])
    };
    with_recorder(|recorder| {
        let counter = |label| recorder.register_counter(&key("jobs_total", label), &METADATA);
        let gauge = |label| recorder.register_gauge(&key("depth", label), &METADATA);
        let histogram = |name, label| recorder.register_histogram(&key(name, label), &METADATA);
        for call in calls {
            match *call {
                Call::Increment(label, n) => counter(label).increment(n.into()),
                Call::Absolute(label, n) => counter(label).absolute(n.into()),
                Call::Set(label, value) => gauge(label).set(value),
                Call::Raise(label, by) => gauge(label).increment(by),
                Call::Lower(label, by) => gauge(label).decrement(by),
                Call::Record(label, value, times) => {
                    histogram("waits_seconds", label).record_many(value, times);
                    histogram("sizes", label).record_many(value, times);
                }
            }
        }
    });
}

/// A page without our own series: the types of families, and the values by names and labels.
#[derive(Debug, Default, PartialEq)]
struct Read {
    kinds: BTreeMap<String, String>,
    values: BTreeMap<Series, f64>,
}

/// A series as its line has it, and the bound that is taken out of that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    bound: Option<String>,
}

fn read(page: &str) -> Read {
    let mut read = Read::default();
    for line in page.lines().filter(|line| !line.is_empty() && !line.contains("node0_")) {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            read.kinds.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let series = match series.split_once(",le=\"") {
                None => Series { name: series.to_owned(), bound: None },
                Some((name, bound)) => {
                    let bound: f64 = bound.strip_suffix("\"}").unwrap().parse().unwrap();
                    Series { name: name.to_owned(), bound: Some(format!("{bound:?}")) }
                }
            };
            assert_eq!(read.values.insert(series, value.parse().unwrap()), None, "{line}");
        }
    }
    read
}

/// The pages of both after the same calls; theirs has further bounds beside each of ours.
fn pages(calls: &[Call]) -> (String, String) {
    let bench = Bench::with(Registry::builder(), |recorder| {
        recorder.bounds("waits_seconds", &BOUNDS).bounds("sizes", &BOUNDS)
    });
    bench.record(|| apply(calls));
    let around: Vec<_> =
        BOUNDS.iter().flat_map(|bound| [bound / 1.01, *bound, bound * 1.01]).collect();
    let peer = theirs(&around);
    metrics::with_local_recorder(&peer, || apply(calls));
    (bench.page(Format::Text), peer.handle().render())
}

fn compare(calls: &[Call]) {
    let (ours, theirs) = pages(calls);
    let (ours, theirs) = (read(&ours), read(&theirs));
    assert_eq!(ours.kinds, theirs.kinds);
    let is_shared = |series: &&Series| {
        let bound: Option<f64> = series.bound.as_ref().map(|bound| bound.parse().unwrap());
        bound.is_none_or(|bound| bound.is_infinite() || BOUNDS.contains(&bound))
    };
    let shared: Vec<_> = theirs.values.keys().filter(is_shared).collect();
    assert_eq!(ours.values.keys().collect::<Vec<_>>(), shared);
    for (series, our) in &ours.values {
        let their = theirs.values[series];
        let bound = series.bound.as_ref().map(|bound| bound.parse::<f64>().unwrap());
        if let Some(bound) = bound.filter(|bound| bound.is_finite()) {
            // Values within a hundredth of a bound may be on either side of it.
            let at = |bound: f64| {
                theirs.values[&Series { bound: Some(format!("{bound:?}")), ..series.clone() }]
            };
            assert!((at(bound / 1.01)..=at(bound * 1.01)).contains(our), "{series:?}: {our}");
        } else {
            let off = if series.name.contains("_sum{") { 0.01 } else { 1e-12 };
            assert!((our - their).abs() <= their.abs() * off, "{series:?}: {our}, not {their}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_same_calls_read_the_same_on_both_pages(calls in calls()) {
        compare(&calls);
    }
}

#[test]
fn the_reference_parser_reads_both_pages_as_these_tests_do() {
    let client = testbed::require!(tools::prometheus_client());
    let calls: Vec<_> = (0..VALUES.len())
        .flat_map(|label| {
            let record = Call::Record(label, 0.3, 2);
            [Call::Increment(label, 3), Call::Absolute(label, 9), Call::Set(label, -2.5), record]
        })
        .collect();
    let (ours, theirs) = pages(&calls);
    for page in [ours, theirs] {
        let families = exposition::parse_text(&client, &page).unwrap();
        let samples = families.iter().flat_map(|family| &family.samples);
        let mut values: Vec<_> = samples
            .filter(|sample| !sample.name.starts_with("node0_"))
            .map(|sample| sample.value)
            .collect();
        let mut expected: Vec<_> = read(&page).values.into_values().collect();
        values.sort_by(f64::total_cmp);
        expected.sort_by(f64::total_cmp);
        assert_eq!(values, expected);
    }
}
