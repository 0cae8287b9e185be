//! Arithmetic of buckets and deltas: adding, merging, subtracting and reading them.

use node0_metrics_core::{Buckets, Delta, Layout};
use proptest::prelude::*;

const LAYOUTS: [Layout; 2] = [Layout::Latency, Layout::Distribution];

/// Some values with how often each came.
type Values = Vec<(f64, u64)>;

fn values() -> impl Strategy<Value = Values> {
    let value = prop_oneof![0.0f64..1e-6, 0.0f64..20.0, 0.0f64..4e3];
    prop::collection::vec((value, 1..1000u64), 0..30)
}

fn layout() -> impl Strategy<Value = Layout> {
    prop::sample::select(&LAYOUTS[..])
}

fn buckets(layout: Layout, values: &[(f64, u64)]) -> Buckets {
    let mut buckets = Buckets::new(layout);
    values.iter().for_each(|(value, n)| buckets.add(*value, *n));
    buckets
}

fn delta(layout: Layout, values: &[(f64, u64)]) -> Delta {
    let mut delta = Delta::new(layout);
    values.iter().for_each(|(value, n)| delta.add(*value, *n));
    delta
}

fn merged(mut buckets: Buckets, other: &Buckets) -> Buckets {
    buckets.merge(other);
    buckets
}

/// The same counts, and sums that differ in no more than the order of additions.
fn assert_same(a: &Buckets, b: &Buckets, slack: f64) {
    assert_eq!(a.layout(), b.layout());
    assert!(a.counts().eq(b.counts()), "{a:?} {b:?}");
    assert_eq!(a.count(), b.count());
    assert_eq!(a.count(), a.counts().map(|(_, n)| n).sum::<u64>(), "the count is the sum");
    assert!((a.sum() - b.sum()).abs() <= slack * 1e-12, "{} {}", a.sum(), b.sum());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_equals_adding_to_one(layout in layout(), a in values(), b in values()) {
        let together = buckets(layout, &[a.clone(), b.clone()].concat());
        let sum = together.sum();
        assert_same(&merged(buckets(layout, &a), &buckets(layout, &b)), &together, sum);
        let (mut first, second) = (delta(layout, &a), delta(layout, &b));
        first.merge(&second);
        assert_same(&Buckets::from(&first), &together, sum);
    }

    #[test]
    fn merging_is_associative(layout in layout(), a in values(), b in values(), c in values()) {
        let [a, b, c] = [a, b, c].map(|values| buckets(layout, &values));
        let left = merged(merged(a.clone(), &b), &c);
        let right = merged(a, &merged(b, &c));
        assert_same(&left, &right, left.sum());
    }

    #[test]
    fn a_delta_is_the_buckets_that_it_was_made_of(layout in layout(), values in values()) {
        let buckets = buckets(layout, &values);
        let delta = delta(layout, &values);
        prop_assert_eq!(&Delta::from(&buckets), &delta);
        prop_assert_eq!(&Buckets::from(&delta), &buckets);
        // As it would be after a way through a file, in whatever order.
        let mut stored: Vec<_> = delta.counts().collect();
        stored.reverse();
        prop_assert_eq!(&Delta::from_counts(layout, stored, delta.sum()), &delta);
        prop_assert_eq!(delta.is_empty(), values.is_empty());
    }

    #[test]
    fn subtracting_inverts_adding(layout in layout(), a in values(), b in values()) {
        let (before, added) = (buckets(layout, &a), delta(layout, &b));
        let mut changed = before.clone();
        changed.add_delta(&added);
        let after = changed.clone();
        assert_eq!(after.since(&before).counts().collect::<Vec<_>>(), added.counts().collect::<Vec<_>>());
        changed.subtract_delta(&added);
        assert_same(&changed, &before, after.sum());
        let mut rest = after.clone();
        rest.subtract(&before);
        assert_same(&rest, &Buckets::from(&added), after.sum());
    }

    #[test]
    fn no_bucket_falls_below_zero(layout in layout(), a in values(), more in 0..2000u64) {
        // Of half of the values more is removed than there is.
        let b: Values = a.iter().step_by(2).map(|(value, n)| (*value, n / 2 + more)).collect();
        let (before, removed) = (buckets(layout, &a), buckets(layout, &b));
        let mut rest = before.clone();
        rest.subtract(&removed);
        let left = |(bucket, n): (u16, u64)| (bucket, n.saturating_sub(removed.count_of(bucket)));
        let expected: Vec<_> = before.counts().map(left).filter(|(_, n)| *n > 0).collect();
        prop_assert_eq!(rest.count(), expected.iter().map(|(_, n)| n).sum::<u64>());
        prop_assert_eq!(rest.counts().collect::<Vec<_>>(), expected);
        prop_assert!(rest.sum() >= 0.0 && (!rest.is_empty() || rest.sum() == 0.0));
    }

    #[test]
    fn another_layout_is_added_by_its_midpoints(values in values()) {
        for (mine, theirs) in [(LAYOUTS[0], LAYOUTS[1]), (LAYOUTS[1], LAYOUTS[0])] {
            let (exact, other) = (buckets(mine, &values), buckets(theirs, &values));
            for converted in [merged(Buckets::new(mine), &other), {
                let mut buckets = Buckets::new(mine);
                buckets.add_delta(&Delta::from(&other));
                buckets
            }] {
                prop_assert_eq!(converted.layout(), mine);
                prop_assert_eq!(converted.count(), exact.count());
                for q in [0.0, 0.5, 0.99, 1.0] {
                    let (Some(seen), Some(value)) = (converted.quantile(q), exact.quantile(q)) else {
                        continue;
                    };
                    let allowed = mine.error_at(value) * 2.0 + theirs.error_at(value) * 2.0;
                    prop_assert!((seen - value).abs() <= allowed, "{} for {}", seen, value);
                }
            }
        }
    }

    #[test]
    fn a_quantile_is_off_by_at_most_the_error(layout in layout(), values in values()) {
        let mut sorted: Vec<f64> = values.iter().flat_map(|(value, n)| vec![*value; *n as usize]).collect();
        sorted.sort_by(f64::total_cmp);
        for q in [0.01f64, 0.5, 0.95, 0.999] {
            let rank = (q * sorted.len() as f64).ceil() as usize;
            let exact = rank.checked_sub(1).map(|at| sorted[at]);
            let seen = buckets(layout, &values).quantile(q);
            prop_assert_eq!(seen.is_some(), exact.is_some());
            if let (Some(seen), Some(exact)) = (seen, exact) {
                // A latency is first of all a whole number of nanoseconds.
                let allowed = layout.error_at(exact) + 1e-9;
                prop_assert!((seen - exact).abs() <= allowed, "{} for {}", seen, exact);
            }
        }
    }
}

#[test]
fn values_that_no_bucket_takes_are_dropped_and_longer_ones_are_the_longest() {
    let mut seconds = Buckets::latency();
    for value in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        seconds.add(value, 7);
    }
    assert_eq!((seconds.count(), seconds.sum()), (0, 0.0));
    seconds.add(1e9, 2);
    let longest = Layout::LONGEST_LATENCY.as_secs_f64();
    assert_eq!((seconds.count(), seconds.sum()), (2, 2.0 * longest));
    assert_eq!(seconds.count_of(Layout::Latency.buckets() - 1), 2);
}

#[test]
fn counts_that_do_not_fit_are_left_out() {
    let mut full = Buckets::distribution();
    full.add(1.0, u64::MAX - 5);
    let mut more = Buckets::distribution();
    more.add(1.0, 3);
    more.add(2.0, u64::MAX - 3);
    full.merge(&more);
    full.add(3.0, u64::MAX);
    assert_eq!(full.count(), u64::MAX);
    assert_eq!(
        full.quantile(1.0),
        Some(Layout::Distribution.midpoint(Layout::Distribution.bucket_of(2.0)))
    );
    assert_eq!(full.counts().map(|(_, n)| n).collect::<Vec<_>>(), [u64::MAX - 2, 2]);
    let mut delta = Delta::from(&full);
    delta.merge(&Delta::from(&more));
    assert_eq!(delta.count(), u64::MAX);
}

#[test]
fn numbers_past_the_last_bucket_are_the_last() {
    let delta = Delta::from_counts(Layout::Latency, [(u16::MAX, 1), (2111, 1), (2112, 1)], 0.0);
    assert_eq!(delta.counts().collect::<Vec<_>>(), [(2111, 3)]);
    assert_eq!(Buckets::latency().count_of(u16::MAX), 0);
}
