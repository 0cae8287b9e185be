//! Conversion to and from `hdrhistogram` keeps counts, and quantiles to the sum of both errors.

use std::error::Error as _;

use hdrhistogram::Histogram;
use node0_metrics_core::{Buckets, HdrError, Layout};
use proptest::prelude::*;

/// The relative error of a histogram of three digits.
const THEIR_ERROR: f64 = 1e-3;
const NANOS: f64 = 1e-9;

/// Nanoseconds of every magnitude that a latency takes, with how often each came.
fn nanos() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let nanos = (0u32..41).prop_flat_map(|power| 0..2u64 << power);
    prop::collection::vec((nanos, 1..1000u64), 0..40)
}

fn buckets(nanos: &[(u64, u64)]) -> Buckets {
    let mut buckets = Buckets::latency();
    nanos.iter().for_each(|(nanos, n)| buckets.add(*nanos as f64 * NANOS, *n));
    buckets
}

/// Holds quantiles in nanoseconds against each other.
fn assert_near(seen: f64, exact: f64, their_share: f64) {
    let ours = Layout::Latency.error_at(exact * NANOS) / NANOS;
    let allowed = ours + (exact + ours) * THEIR_ERROR * their_share + 1.0;
    assert!((seen - exact).abs() <= allowed, "{seen} for {exact} ns, allowed {allowed}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn there_and_back_has_the_same_counts(nanos in nanos()) {
        let ours = buckets(&nanos);
        let theirs = ours.to_hdrhistogram();
        prop_assert_eq!(theirs.len(), ours.count());
        let again = Buckets::from_hdrhistogram(Layout::Latency, &theirs);
        prop_assert!(again.counts().eq(ours.counts()));
        let bytes = ours.to_hdr_v2().unwrap();
        let read = Buckets::from_hdr_v2(Layout::Latency, &bytes).unwrap();
        prop_assert_eq!(&read, &again);
        let error = Layout::RELATIVE_ERROR + THEIR_ERROR;
        let allowed = again.sum() * error * 2.0 + again.count() as f64 * 16.0 * NANOS;
        prop_assert!((again.sum() - ours.sum()).abs() <= allowed, "{} for {}", again.sum(), ours.sum());
    }

    #[test]
    fn every_quantile_is_within_both_errors(nanos in nanos(), q in 0.0f64..=1.0) {
        let mut exact = Histogram::<u64>::new(4).unwrap();
        nanos.iter().for_each(|(nanos, n)| exact.record_n(*nanos, *n).unwrap());
        let converted = buckets(&nanos).to_hdrhistogram();
        let read = Buckets::from_hdrhistogram(Layout::Latency, &exact);
        let mut sorted: Vec<u64> = nanos.iter().flat_map(|(nanos, n)| vec![*nanos; *n as usize]).collect();
        sorted.sort_unstable();
        for q in [q, 0.5, 0.95, 0.99, 1.0] {
            let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
            let Some(value) = sorted.get(rank - 1) else { continue };
            let value = *value as f64;
            assert_near(converted.value_at_quantile(q) as f64, value, 1.0);
            assert_near(read.quantile(q).unwrap() / NANOS, value, 0.1);
        }
    }

    #[test]
    fn distributions_are_whole_base_units(bytes in prop::collection::vec(0..1u64 << 50, 1..40)) {
        let mut ours = Buckets::distribution();
        bytes.iter().for_each(|bytes| ours.add(*bytes as f64, 1));
        let theirs = ours.to_hdrhistogram();
        prop_assert_eq!(theirs.len(), bytes.len() as u64);
        let (largest, error) = (*bytes.iter().max().unwrap() as f64, Layout::RELATIVE_ERROR + THEIR_ERROR * 2.0);
        prop_assert!((theirs.max() as f64 - largest).abs() <= largest * error + 1.0);
        let again = Buckets::from_hdrhistogram(Layout::Distribution, &theirs);
        prop_assert_eq!(again.count(), ours.count());
    }
}

#[test]
fn converted_histograms_grow_when_others_are_added() {
    let mut theirs = buckets(&[(1000, 1)]).to_hdrhistogram();
    theirs.record(u64::from(u32::MAX)).unwrap();
    theirs.add(Histogram::<u64>::new_with_max(1 << 40, 3).unwrap()).unwrap();
    assert_eq!(theirs.len(), 2);
    let mut largest = Buckets::distribution();
    largest.add(f64::MAX, 3);
    assert_eq!(largest.to_hdrhistogram().len(), 3);
    assert_eq!(Buckets::latency().to_hdrhistogram().len(), 0);
}

#[test]
fn counts_of_64_bits_have_no_v2_form() {
    let mut many = Buckets::latency();
    many.add(0.001, u64::MAX);
    let error = many.to_hdr_v2().unwrap_err();
    assert!(matches!(error, HdrError::Serialize(_)) && error.source().is_some());
    assert_eq!(error.to_string(), "the counts do not fit the V2 form of hdrhistogram");
}

#[test]
fn other_bytes_are_refused() {
    let mut bytes = buckets(&[(1000, 1)]).to_hdr_v2().unwrap();
    bytes.pop();
    for bytes in [&*bytes, b"no histogram", b""] {
        let error = Buckets::from_hdr_v2(Layout::Latency, bytes).unwrap_err();
        assert!(matches!(error, HdrError::Deserialize(_)) && error.source().is_some());
        assert_eq!(error.to_string(), "the bytes are not in the V2 form of hdrhistogram");
    }
}
