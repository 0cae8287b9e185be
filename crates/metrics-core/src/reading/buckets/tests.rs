use proptest::prelude::*;

use super::*;
use crate::recording::layout::{MAX_NANOS, NANOS};

fn latencies(nanos: &[u64]) -> Buckets {
    let mut buckets = Buckets::latency();
    nanos.iter().for_each(|nanos| buckets.add(*nanos as f64 * NANOS, 1));
    buckets
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
}
