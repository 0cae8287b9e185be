//! Native histograms: counts in exponential buckets, whose bounds no reader has to be told.
//!
//! A histogram of schema `s` has `2^s` buckets for each doubling of the value, and the bucket `i`
//! ends at `2^(i / 2^s)`, that value included. node0 counts in 64 equal buckets for each doubling. So
//! the exponential buckets are coarser, and each of node0's buckets is added to the exponential one
//! that has its middle.

use metrics_core::{Buckets, Layout};

/// The settings of native histograms, which [`Format::Protobuf`](crate::Format::Protobuf) shows.
///
/// ```
/// use exporter::{Exporter, Format, NativeHistograms};
///
/// let native = NativeHistograms::new().schema(3).max_buckets(100);
/// let exporter = Exporter::builder().native_histograms(native).build();
/// let accept = "application/vnd.google.protobuf;encoding=delimited";
/// assert_eq!(exporter.negotiate(Some(accept)).format(), Format::Protobuf);
/// ```
///
/// # Error
///
/// A value is at most 0.8 % away from the middle of node0's bucket, so at the border of an
/// exponential bucket it may be counted in the neighbour. A quantile from buckets of schema 4 is
/// within 2.2 % for that resolution, and so within 3 % in all. From schema 3 it is within 5.3 %.
///
/// # Memory of the scraper
///
/// A histogram with more than [`max_buckets`](Self::max_buckets) buckets in use is shown in the next
/// coarser schema, until they suffice. Readers merge the resolutions without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "pass it to `ExporterBuilder::native_histograms`"]
pub struct NativeHistograms {
    schema: i8,
    max_buckets: usize,
}

/// The finest schema: two of node0's buckets for each of its buckets, roughly.
const FINEST: i8 = 5;
/// The coarsest schema of all: a bucket for each 65 536-fold of the value.
const COARSEST: i8 = -4;

impl NativeHistograms {
    /// Returns the defaults: schema 4, so 16 buckets for each doubling, and at most 160 buckets.
    pub const fn new() -> Self {
        Self { schema: 4, max_buckets: 160 }
    }

    /// Sets the resolution: `2^schema` buckets for each doubling; 4 by default, from −4 to 5.
    ///
    /// Values beyond are taken as the nearest of these.
    pub const fn schema(mut self, schema: i8) -> Self {
        self.schema = if schema < COARSEST {
            COARSEST
        } else if schema > FINEST {
            FINEST
        } else {
            schema
        };
        self
    }

    /// Limits the buckets of a histogram that have values; 160 by default, at least 1.
    pub const fn max_buckets(mut self, buckets: usize) -> Self {
        self.max_buckets = if buckets == 0 { 1 } else { buckets };
        self
    }
}

impl Default for NativeHistograms {
    fn default() -> Self {
        Self::new()
    }
}

/// Converts counts, with a table for each layout.
#[derive(Debug)]
pub(crate) struct Converter {
    settings: NativeHistograms,
    latency: Table,
    distribution: Table,
}

/// The exponential bucket of each of a layout's buckets.
#[derive(Debug)]
struct Table {
    zero_threshold: f64,
    /// `None` for values that count as zero.
    index: Vec<Option<i16>>,
}

/// The counts of one histogram in exponential buckets.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Native {
    pub(crate) schema: i8,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    /// The buckets with values, in ascending order.
    pub(crate) buckets: Vec<(i32, u64)>,
}

impl Converter {
    pub(crate) fn new(settings: NativeHistograms) -> Self {
        let table = |layout| Table::new(layout, settings.schema);
        Self {
            settings,
            latency: table(Layout::Latency),
            distribution: table(Layout::Distribution),
        }
    }

    /// Converts counts into `native`, whose memory is reused.
    pub(crate) fn convert(&self, counts: &Buckets, native: &mut Native) {
        let table = match counts.layout() {
            Layout::Latency => &self.latency,
            _ => &self.distribution,
        };
        native.schema = self.settings.schema;
        native.zero_threshold = table.zero_threshold;
        native.zero_count = 0;
        native.buckets.clear();
        for (bucket, count) in counts.counts() {
            match table.index.get(usize::from(bucket)).copied().flatten() {
                Some(index) => native.add(index.into(), count),
                None => native.zero_count += count,
            }
        }
        while native.buckets.len() > self.settings.max_buckets && native.schema > COARSEST {
            native.halve();
        }
    }
}

impl Table {
    fn new(layout: Layout, schema: i8) -> Self {
        let index = |bucket| {
            let middle = layout.midpoint(bucket);
            // The first bucket of a layout is that of zero.
            (bucket > 0 && middle > 0.0).then(|| index_of(middle, schema))
        };
        let index: Vec<_> = (0..layout.buckets()).map(index).collect();
        let first = index.iter().position(Option::is_some).unwrap_or_default();
        // Below it all values count as zero.
        let (zero_threshold, _) = layout.bounds(u16::try_from(first).unwrap_or(u16::MAX));
        Self { zero_threshold, index }
    }
}

impl Native {
    /// Adds to a bucket that is not below the last one.
    fn add(&mut self, index: i32, count: u64) {
        match self.buckets.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => self.buckets.push((index, count)),
        }
    }

    /// Merges pairs of neighbours: the next coarser schema.
    fn halve(&mut self) {
        self.schema -= 1;
        let mut kept = 0;
        for at in 0..self.buckets.len() {
            let (index, count) = self.buckets[at];
            // Rounded up, since a bucket ends with its bound.
            let index = (index + 1) >> 1;
            if kept > 0 && self.buckets[kept - 1].0 == index {
                self.buckets[kept - 1].1 += count;
            } else {
                self.buckets[kept] = (index, count);
                kept += 1;
            }
        }
        self.buckets.truncate(kept);
    }
}

/// Returns the exponential bucket of a positive value.
fn index_of(value: f64, schema: i8) -> i16 {
    let places = value.log2() * f64::powi(2.0, schema.into());
    // A value at a bound belongs to the bucket that ends there, and the logarithm may be off by
    // the last digit.
    let nearest = places.round();
    let is_bound = (places - nearest).abs() < 1e-9;
    (if is_bound { nearest } else { places.ceil() }) as i16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convert(settings: NativeHistograms, counts: &Buckets) -> Native {
        let mut native = Native::default();
        Converter::new(settings).convert(counts, &mut native);
        native
    }

    /// The bounds of a bucket of a schema, by the definition.
    fn bounds(index: i32, schema: i8) -> (f64, f64) {
        let base = f64::powf(2.0, f64::powi(2.0, -i32::from(schema)));
        (base.powi(index - 1), base.powi(index))
    }

    #[test]
    fn a_power_of_two_is_the_end_of_its_bucket() {
        for exponent in -64..64 {
            let value = f64::powi(2.0, exponent);
            for schema in COARSEST..=FINEST {
                let (low, high) = bounds(index_of(value, schema).into(), schema);
                assert!(low < value * 0.999_999 && value <= high * 1.000_001, "{value} {schema}");
            }
            assert_eq!(i32::from(index_of(value, 0)), exponent);
            assert_eq!(i32::from(index_of(value, 3)), exponent * 8);
        }
    }

    #[test]
    fn too_many_buckets_make_the_schema_coarser_until_they_suffice() {
        let mut counts = Buckets::latency();
        for step in 0..400 {
            counts.add(1e-5 * 1.03_f64.powi(step), 1);
        }
        let fine = convert(NativeHistograms::new().max_buckets(1000), &counts);
        let coarse = convert(NativeHistograms::new().max_buckets(50), &counts);
        assert!(fine.buckets.len() > 200 && fine.schema == 4);
        assert!(coarse.buckets.len() <= 50 && coarse.schema == 1, "{coarse:?}");
        let sum = |native: &Native| native.buckets.iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!((sum(&fine), sum(&coarse)), (400, 400));
        // As if it had been counted so from the beginning.
        let direct = convert(NativeHistograms::new().schema(1).max_buckets(1000), &counts);
        assert_eq!(coarse, direct);
    }

    #[test]
    fn zero_has_a_bucket_of_its_own() {
        let mut waits = Buckets::latency();
        waits.add(0.0, 3);
        waits.add(1.0, 1);
        let native = convert(NativeHistograms::new(), &waits);
        assert_eq!((native.zero_count, native.zero_threshold), (3, 16e-9));
        let mut sizes = Buckets::distribution();
        sizes.add(0.0, 2);
        sizes.add(1.0, 1);
        let native = convert(NativeHistograms::new(), &sizes);
        assert_eq!((native.zero_count, native.buckets.len()), (2, 1));
        assert_eq!(native.zero_threshold, Layout::SMALLEST_VALUE);
    }

    proptest! {
        #[test]
        fn each_value_is_in_its_bucket_or_at_its_border(
            value in prop_oneof![1e-6..4000.0, 1e-12..1e12], schema in COARSEST..=FINEST,
        ) {
            for mut counts in [Buckets::latency(), Buckets::distribution()] {
                if counts.layout() == Layout::Latency && !(1e-6..4000.0).contains(&value) {
                    continue;
                }
                counts.add(value, 1);
                let native = convert(NativeHistograms::new().schema(schema), &counts);
                prop_assert_eq!(native.buckets.len(), 1);
                let (low, high) = bounds(native.buckets[0].0, schema);
                let error = 1.0 + 2.0 * Layout::RELATIVE_ERROR;
                prop_assert!(low / error <= value && value <= high * error, "{} {} {}", low, value, high);
            }
        }
    }
}
