//! Native histograms: counts in exponential buckets, whose bounds no reader has to be told.
//!
//! A histogram of schema `s` has `2^s` buckets for each doubling of the value, and the bucket `i`
//! ends at `2^(i / 2^s)`, that value included. node0 counts in 64 equal buckets for each doubling. So
//! the exponential buckets are coarser, and each of node0's buckets is added to the exponential one
//! that has its middle.

use std::mem;
use std::ops::Range;

use node0_metrics_core::{Delta, Layout};

/// The settings of native histograms, which [`Format::Protobuf`](crate::Format::Protobuf) shows.
///
/// ```
/// use node0_exporter::{Exporter, Format, NativeHistograms};
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
///
/// Exponential buckets are counted in *places*, without gaps: place 0 is zero, place 1 the first
/// bucket above it.
#[derive(Debug)]
struct Table {
    zero_threshold: f64,
    /// The number of the exponential bucket that has place 0, if it had one.
    origin: i32,
    /// The place of each of the layout's buckets.
    places: Vec<u16>,
    /// The end of the run of buckets with the same place, for each bucket.
    ends: Vec<u16>,
}

/// The counts of one histogram in exponential buckets.
#[derive(Debug, Default)]
pub(crate) struct Native {
    pub(crate) schema: i8,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    /// The buckets with values, in ascending order.
    pub(crate) buckets: Vec<(i32, u64)>,
    /// The counts by place while a histogram is converted; zero otherwise.
    counts: Vec<u64>,
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

    /// Converts the sum of runs and deltas into `native`, whose memory is reused.
    pub(crate) fn convert<'d>(
        &self,
        layout: Layout,
        runs: impl Iterator<Item = (u16, impl AsRef<[u64]>)>,
        deltas: impl Iterator<Item = &'d Delta>,
        native: &mut Native,
    ) {
        let table = match layout {
            Layout::Latency => &self.latency,
            _ => &self.distribution,
        };
        native.schema = self.settings.schema;
        native.zero_threshold = table.zero_threshold;
        let used = native.add(table, runs, deltas);
        native.collect(table, used);
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
        let indexes: Vec<_> = (0..layout.buckets()).map(index).collect();
        let first = indexes.iter().position(Option::is_some).unwrap_or_default();
        let origin = indexes.get(first).copied().flatten().unwrap_or_default() - 1;
        let place = |index: &Option<i32>| index.map_or(0, |index| (index - origin) as u16);
        let places: Vec<_> = indexes.iter().map(place).collect();
        let mut ends = Vec::with_capacity(places.len());
        for run in places.chunk_by(|before, place| before == place) {
            let end = (ends.len() + run.len()) as u16;
            ends.extend(run.iter().map(|_| end));
        }
        // Below it all values count as zero.
        let (zero_threshold, _) = layout.bounds(u16::try_from(first).unwrap_or(u16::MAX));
        Self { zero_threshold, origin, places, ends }
    }
}

impl Native {
    /// Adds up the counts by place, and returns the range of places that were added to.
    fn add<'d>(
        &mut self,
        table: &Table,
        runs: impl Iterator<Item = (u16, impl AsRef<[u64]>)>,
        deltas: impl Iterator<Item = &'d Delta>,
    ) -> Range<usize> {
        let last = table.places.last().map_or(0, |last| usize::from(*last));
        if self.counts.len() <= last {
            self.counts.resize(last + 1, 0);
        }
        let (mut start, mut end) = (last, 0);
        for (first, run) in runs {
            let (first, run) = (usize::from(first), run.as_ref());
            let mut at = first;
            while at < first + run.len() {
                let (place, stop) = (usize::from(table.places[at]), usize::from(table.ends[at]));
                let stop = stop.min(first + run.len());
                // A sum per place, since an addition in memory has to wait for the one before.
                self.counts[place] += run[at - first..stop - first].iter().sum::<u64>();
                (start, end) = (start.min(place), end.max(place + 1));
                at = stop;
            }
        }
        for (bucket, count) in deltas.flat_map(Delta::counts) {
            let place = usize::from(table.places[usize::from(bucket)]);
            self.counts[place] += count;
            (start, end) = (start.min(place), end.max(place + 1));
        }
        start..end
    }

    /// Moves the counts of some places into the list of buckets.
    fn collect(&mut self, table: &Table, places: Range<usize>) {
        self.buckets.clear();
        self.zero_count = mem::take(&mut self.counts[0]);
        // Nothing, if the range is that of no values, which ends before it starts.
        let counts = self.counts.get_mut(places.clone()).unwrap_or_default();
        for (place, count) in places.zip(counts) {
            if *count > 0 {
                self.buckets.push((table.origin + place as i32, mem::take(count)));
            }
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
fn index_of(value: f64, schema: i8) -> i32 {
    let places = value.log2() * f64::powi(2.0, schema.into());
    // A value at a bound belongs to the bucket that ends there, and the logarithm may be off by
    // the last digit.
    let nearest = places.round();
    let is_bound = (places - nearest).abs() < 1e-9;
    (if is_bound { nearest } else { places.ceil() }) as i32
}

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;

    use node0_metrics_core::Buckets;

    use super::*;

    fn convert(settings: NativeHistograms, counts: &Buckets) -> Native {
        let mut native = Native::default();
        Converter::new(settings).convert(
            counts.layout(),
            counts.runs(),
            iter::empty(),
            &mut native,
        );
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
                let (low, high) = bounds(index_of(value, schema), schema);
                assert!(low < value * 0.999_999 && value <= high * 1.000_001, "{value} {schema}");
            }
            assert_eq!(index_of(value, 0), exponent);
            assert_eq!(index_of(value, 3), exponent * 8);
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
        assert_eq!((coarse.schema, coarse.buckets), (direct.schema, direct.buckets));
    }

    #[test]
    fn deltas_are_counted_as_if_they_had_been_added() {
        let (mut counts, mut late) = (Buckets::latency(), Delta::new(Layout::Latency));
        let converter = Converter::new(NativeHistograms::new());
        let mut native = Native::default();
        // Below, among and above the counts, and zero.
        for (value, delta) in [(0.001, 1e-6), (0.01, 0.01), (0.02, 50.0), (0.03, 0.0)] {
            counts.add(value, 2);
            late.add(delta, 3);
            converter.convert(counts.layout(), counts.runs(), iter::once(&late), &mut native);
            let mut all = counts.clone();
            all.merge(&Buckets::from(&late));
            let expected = convert(NativeHistograms::new(), &all);
            assert_eq!(
                (&native.buckets, native.zero_count),
                (&expected.buckets, expected.zero_count)
            );
        }
        let nothing = Buckets::distribution();
        converter.convert(nothing.layout(), nothing.runs(), iter::empty(), &mut native);
        assert_eq!((&*native.buckets, native.zero_count), (&[][..], 0), "nothing is left");
    }

    #[test]
    fn runs_may_come_in_any_order() {
        let runs = [(2000, [0, 3, 1]), (1000, [5, 0, 0]), (2001, [2, 0, 0])];
        let converter = Converter::new(NativeHistograms::new());
        let convert = |runs: &[(u16, [u64; 3])]| {
            let mut native = Native::default();
            converter.convert(Layout::Latency, runs.iter().copied(), iter::empty(), &mut native);
            native.buckets
        };
        let ascending = [(1000, [5, 0, 0]), (2000, [0, 5, 1])];
        assert_eq!(convert(&runs), convert(&ascending));
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
