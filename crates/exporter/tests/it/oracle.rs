//! Native histograms against those of Prometheus's own library, bucket by bucket.

use std::collections::BTreeMap;
use std::time::Duration;

use node0_exporter::{Exporter, NativeHistograms};
use node0_metrics_core::{Desc, Layout, Unit};
use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::metrics::histogram::{Histogram as Oracle, NativeHistogramConfig};
use prometheus_client::registry::Registry as OracleRegistry;
use proptest::prelude::*;

use crate::Bench;
use crate::protobuf::{Histogram, counts, decode, families, family};

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
const SIZE: Desc = Desc::distribution("size", "Sizes.", Unit::None, &[10.0]);

/// The most buckets of either: no limit.
const ALL: usize = 100_000;

/// A native histogram as it is compared.
#[derive(Debug, PartialEq)]
struct Found {
    schema: i32,
    count: u64,
    zero: u64,
    buckets: BTreeMap<i32, i64>,
}

impl From<&Histogram> for Found {
    fn from(histogram: &Histogram) -> Self {
        Self {
            // The oracle leaves it out if it is zero.
            schema: histogram.schema.unwrap_or_default(),
            count: histogram.count,
            zero: histogram.zero_count,
            // Both may fill short gaps between runs with zeros.
            buckets: counts(histogram).into_iter().filter(|(_, count)| *count != 0).collect(),
        }
    }
}

/// Records values in both, and returns what is shown: ours first.
fn both(layout: Layout, values: &[f64], settings: (i8, usize)) -> [Found; 2] {
    let (schema, max_buckets) = settings;
    let native = NativeHistograms::new().schema(schema).max_buckets(max_buckets);
    let bench = Bench::with(Exporter::builder().native_histograms(native).build());
    let oracle = NativeHistogramConfig::with_schema(schema).max_buckets(max_buckets);
    let oracle = Oracle::new_native(oracle);
    values.iter().for_each(|value| oracle.observe(*value));
    let (wait, size) = match layout {
        Layout::Latency => (Some(bench.registry.latency(&WAIT, &[]).expect("it is free")), None),
        _ => (None, Some(bench.registry.distribution(&SIZE, &[]).expect("it is free"))),
    };
    for value in values {
        wait.iter().for_each(|wait| wait.record(Duration::from_secs_f64(*value)));
        size.iter().for_each(|size| size.record(*value));
    }
    let mut registry = OracleRegistry::default();
    registry.register("oracle", "Values.", oracle);
    let page = prometheus_protobuf::encode_to_vec(&registry).expect("it encodes");
    let name = if wait.is_some() { "wait_seconds" } else { "size" };
    [(families(&page), "oracle"), (decode(&bench), name)].map(|(families, name)| {
        let family = family(&families, name);
        Found::from(family.metric[0].histogram.as_ref().expect("a histogram"))
    })
}

/// The middles of node0's buckets, for which there is no question of a border.
fn middle(layout: Layout) -> impl Strategy<Value = f64> {
    let middle = move |bucket| match layout.midpoint(bucket) {
        // Whole nanoseconds, as they are recorded.
        middle if layout == Layout::Latency => (middle * 1e9).round() / 1e9,
        middle => middle,
    };
    (64..layout.buckets()).prop_map(middle)
}

fn layouts() -> [Layout; 2] {
    [Layout::Latency, Layout::Distribution]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_bucket_has_the_oracles_count(
        of_latency in prop::collection::vec(middle(Layout::Latency), 1..200),
        of_distribution in prop::collection::vec(middle(Layout::Distribution), 1..200),
        zeros in 0..3_usize,
        schema in -4..=5_i8,
    ) {
        for (layout, mut values) in layouts().into_iter().zip([of_latency, of_distribution]) {
            values.extend(vec![0.0; zeros]);
            let [oracle, ours] = both(layout, &values, (schema, ALL));
            prop_assert_eq!(ours, oracle);
        }
    }

    #[test]
    fn a_full_histogram_is_as_coarse_as_the_oracles(
        mut values in prop::collection::vec(middle(Layout::Distribution), 1..200),
        max_buckets in 1..60_usize,
    ) {
        // With each value, the oracle becomes coarser by one schema at most.
        values.extend([0.0; 10]);
        let [oracle, ours] = both(Layout::Distribution, &values, (5, max_buckets));
        prop_assert_eq!(ours, oracle);
    }

    /// Of any values, those up to a bound are counted up to it, give or take node0's own error.
    #[test]
    fn counts_up_to_a_bound_are_the_oracles_within_the_error(
        values in prop::collection::vec(1e-6..1000.0, 1..200), schema in 0..=5_i8,
    ) {
        let error = 1.0 + 2.0 * Layout::RELATIVE_ERROR;
        for layout in layouts() {
            let [oracle, ours] = both(layout, &values, (schema, ALL));
            for bucket in oracle.buckets.keys() {
                let bound = f64::from(*bucket) / f64::from(1 << schema);
                let bound = f64::exp2(bound);
                let up_to = |bound: f64| values.iter().filter(|value| **value <= bound).count();
                let counted = ours.buckets.range(..=bucket).map(|(_, count)| *count as usize);
                let counted: usize = counted.sum();
                let allowed = up_to(bound / error)..=up_to(bound * error);
                prop_assert!(allowed.contains(&counted), "{counted} up to {bound}: {allowed:?}");
            }
        }
    }
}

/// A bucket of the format ends with its bound, and one of node0's begins with it: so an exact
/// power of two is counted with what is just above it.
#[test]
fn an_exact_power_of_two_is_in_the_bucket_above_its_border() {
    for exponent in -30..30 {
        for schema in 0..=5 {
            let value = f64::exp2(exponent.into());
            let [oracle, ours] = both(Layout::Distribution, &[value], (schema, ALL));
            let border = exponent << schema;
            assert_eq!(oracle.buckets, BTreeMap::from([(border, 1)]));
            assert_eq!(ours.buckets, BTreeMap::from([(border + 1, 1)]));
            // Just below it, there is no question.
            let below = value * (1.0 - Layout::RELATIVE_ERROR);
            let [oracle, ours] = both(Layout::Distribution, &[below], (schema, ALL));
            assert_eq!(ours, oracle);
        }
    }
}
