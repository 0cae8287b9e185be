use proptest::prelude::*;

use super::*;

#[test]
fn longest_latency_has_the_last_bucket() {
    assert_eq!(latency_index(MAX_NANOS).0, LATENCY_BUCKETS - 1);
    assert_eq!(latency_index(0).0, 0);
}

#[test]
fn values_beyond_the_ends_are_in_the_first_or_last_bucket() {
    for layout in [Layout::Latency, Layout::Distribution] {
        let last = layout.buckets() - 1;
        assert_eq!([-1.0, -0.0, 0.0, f64::NAN].map(|value| layout.bucket_of(value)), [0; 4]);
        assert_eq!([1e30, f64::INFINITY].map(|value| layout.bucket_of(value)), [last; 2]);
        assert_eq!(layout.bounds(u16::MAX), layout.bounds(last));
    }
}

#[test]
fn the_figures_are_those_of_the_documents() {
    assert_eq!(Layout::RELATIVE_ERROR, 1.0 / 128.0);
    assert_eq!(Layout::LONGEST_LATENCY.as_secs() / 60, 73);
    assert_eq!(Layout::LARGEST_VALUE, 2f64.powi(64));
    assert_eq!(Layout::SMALLEST_VALUE, 2f64.powi(-64));
    assert_eq!([Layout::Latency, Layout::Distribution].map(Layout::buckets), [2112, 8256]);
    assert_eq!(Layout::Latency.error_at(1e-9), 8e-9);
    assert_eq!(Layout::Distribution.error_at(64.0), 0.5);
}

#[test]
fn a_bucket_begins_at_its_lower_bound_and_ends_before_the_upper_one() {
    for layout in [Layout::Latency, Layout::Distribution] {
        // Zero has one bucket of a distribution's first octave, and the others stand for nothing.
        let zeros = if layout == Layout::Distribution { PER_OCTAVE as u16 } else { 0 };
        for bucket in zeros..layout.buckets() {
            let (low, high) = layout.bounds(bucket);
            let places = [low, layout.midpoint(bucket), high].map(|value| layout.bucket_of(value));
            let next = (bucket + 1).min(layout.buckets() - 1);
            assert_eq!(places, [bucket, bucket, next], "{layout:?}");
        }
    }
}

/// Latencies of every magnitude.
fn nanos() -> impl Strategy<Value = u64> {
    (0u32..42).prop_flat_map(|power| 0..2u64 << power)
}

proptest! {
    #[test]
    fn a_latency_in_seconds_is_in_the_bucket_that_it_was_recorded_in(nanos in nanos()) {
        let seconds = nanos as f64 * NANOS;
        prop_assert_eq!(usize::from(Layout::Latency.bucket_of(seconds)), latency_index(nanos).0);
        prop_assert_eq!(
            Layout::Latency.bucket_of(Duration::from_nanos(nanos).as_secs_f64()),
            Layout::Latency.bucket_of(seconds)
        );
    }

    #[test]
    fn a_bucket_holds_its_values(nanos in nanos()) {
        let seconds = nanos as f64 * NANOS;
        let (low, high) = Layout::Latency.bounds(Layout::Latency.bucket_of(seconds));
        let slack = 1e-12 * seconds;
        prop_assert!(low <= seconds + slack && seconds < high + slack);
    }

    #[test]
    fn a_latencys_midpoint_is_off_by_at_most_the_error(nanos in nanos()) {
        let seconds = nanos as f64 * NANOS;
        let middle = Layout::Latency.midpoint(Layout::Latency.bucket_of(seconds));
        prop_assert!((middle - seconds).abs() <= Layout::Latency.error_at(seconds) + 1e-15);
    }

    #[test]
    fn a_values_midpoint_is_off_by_at_most_the_error(value in prop_oneof![
        1e-15f64..1e18,
        (-90i32..64).prop_map(|power| 1.9 * 2f64.powi(power)),
    ]) {
        let middle = Layout::Distribution.midpoint(Layout::Distribution.bucket_of(value));
        prop_assert!((middle - value).abs() <= Layout::Distribution.error_at(value));
    }
}
