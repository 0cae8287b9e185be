use proptest::prelude::*;

use super::*;
use crate::recording::layout::{LATENCY_BUCKETS, MAX_NANOS, NANOS, float_index, latency_index};

fn latencies(nanos: &[u64]) -> Buckets {
    let mut buckets = Buckets::new(Layout::Latency);
    for &value in nanos {
        let mut one = Rise::new();
        one.push(latency_index(value).0 as u16, 1);
        buckets.enter(&one);
    }
    buckets.set_sum(nanos.iter().sum::<u64>() as f64 * NANOS);
    buckets
}

#[test]
fn the_longest_duration_has_the_last_bucket() {
    assert_eq!(latency_index(MAX_NANOS).0, LATENCY_BUCKETS - 1);
    assert_eq!(latency_index(0).0, 0);
}

#[test]
fn no_values_have_no_statistics() {
    let none = latencies(&[]);
    assert_eq!(none.quantile(0.5), None);
    assert_eq!(none.mean(), None);
    assert_eq!((none.min(), none.max()), (None, None));
}

#[test]
fn odd_quantiles_take_the_nearer_end() {
    let some = latencies(&[1_000_000, 2_000_000]);
    assert_eq!(some.quantile(-1.0), some.min());
    assert_eq!(some.quantile(7.0), some.max());
    assert!(some.quantile(f64::NAN).is_some());
}

#[test]
fn a_value_counts_under_the_bounds_that_it_does_not_exceed() {
    let some = latencies(&[900_000, 5_000_000, 5_100_000, 80_000_000]);
    let bounds = [0.001, 0.01, 0.1];
    assert_eq!(some.cumulative(&bounds), [1, 3, 4]);
    assert_eq!(bounds.map(|bound| some.at_most(bound)), [1, 3, 4]);
}

proptest! {
    #[test]
    fn a_bucket_holds_its_values(nanos in 0..=MAX_NANOS) {
        let (low, high) = Layout::Latency.range(latency_index(nanos).0);
        let seconds = nanos as f64 * NANOS;
        let slack = 1e-12 * seconds;
        prop_assert!(low <= seconds + slack && seconds <= high + slack);
    }

    #[test]
    fn a_midpoint_is_off_by_at_most_a_128th_or_8_ns(nanos in 0..=MAX_NANOS) {
        let middle = latencies(&[nanos]).quantile(0.5).expect("one value has a median");
        let off = (middle - nanos as f64 * NANOS).abs();
        prop_assert!(off <= (nanos as f64 / 128.0).max(8.0) * NANOS + 1e-15);
    }

    #[test]
    fn merging_equals_recording_into_one(
        a in prop::collection::vec(0..=MAX_NANOS, 0..50),
        b in prop::collection::vec(0..=MAX_NANOS, 0..50),
    ) {
        let mut merged = latencies(&a);
        merged.merge(&latencies(&b));
        let together = latencies(&[a, b].concat());
        prop_assert_eq!(merged.count(), together.count());
        prop_assert!(merged.cells().eq(together.cells()));
    }

    #[test]
    fn cumulative_counts_agree_with_each_bound(
        nanos in prop::collection::vec(0..=MAX_NANOS >> 8, 0..50),
        mut bounds in prop::collection::vec(0.0f64..20.0, 0..8),
    ) {
        bounds.extend(nanos.iter().map(|nanos| *nanos as f64 * NANOS));
        bounds.sort_by(f64::total_cmp);
        let buckets = latencies(&nanos);
        let one_by_one: Vec<_> = bounds.iter().map(|bound| buckets.at_most(*bound)).collect();
        prop_assert_eq!(buckets.cumulative(&bounds), one_by_one);
    }

    #[test]
    fn a_float_bucket_errs_by_at_most_a_128th(value in 1e-15f64..1e18) {
        let (octave, bucket) = float_index(value);
        let middle = Layout::Float.midpoint(octave * PER_OCTAVE + bucket);
        prop_assert!((middle - value).abs() <= value / 128.0);
    }
}
