//! Conversions between [`Buckets`] and `hdrhistogram`, for tools that read its V2 format.
//!
//! An `hdrhistogram` counts whole numbers, so latencies are converted to nanoseconds and
//! distributions to whole base units. It has three significant digits here, which is finer than
//! [`Buckets`]: a conversion there and back keeps the count of every bucket. An `hdrhistogram`
//! has no sum, so the sum of converted buckets is estimated from their midpoints.

use hdrhistogram::serialization::{
    DeserializeError, Deserializer, Serializer as _, V2SerializeError, V2Serializer,
};

use crate::reading::buckets::Buckets;
use crate::recording::layout::{Layout, NANOS};

/// The significant digits that converted histograms keep.
const DIGITS: u8 = 3;

/// The failure to write or read the V2 format of `hdrhistogram`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HdrError {
    /// A bucket has 2⁶³ values or more, which the format cannot store.
    #[error("the counts do not fit the V2 form of hdrhistogram")]
    Serialize(#[source] V2SerializeError),
    /// The bytes are in another format, or truncated.
    #[error("the bytes are not in the V2 form of hdrhistogram")]
    Deserialize(#[source] DeserializeError),
}

/// Conversions to and from `hdrhistogram`, with the feature of that name.
///
/// ```
/// use node0_metrics_core::{Buckets, Layout};
///
/// let mut waits = Buckets::latency();
/// waits.add(0.020, 98);
/// waits.add(1.5, 2);
///
/// let theirs = waits.to_hdrhistogram();
/// assert_eq!(theirs.len(), 100);
/// assert!(theirs.value_at_quantile(0.99).abs_diff(1_500_000_000) < 15_000_000);
///
/// let bytes = waits.to_hdr_v2()?;
/// let again = Buckets::from_hdr_v2(Layout::Latency, &bytes)?;
/// assert!(again.counts().eq(waits.counts()));
/// # Ok::<(), node0_metrics_core::HdrError>(())
/// ```
impl Buckets {
    /// Returns the values as nanoseconds for latencies, and as whole base units for distributions.
    ///
    /// Each bucket is recorded at its midpoint. Values are rounded to whole numbers, so a
    /// distribution of ratios loses its meaning.
    pub fn to_hdrhistogram(&self) -> hdrhistogram::Histogram<u64> {
        // A cast saturates: the last bucket of a distribution ends at 2⁶⁴.
        let whole = |value: f64| (value / unit(self.layout())).round() as u64;
        let mut histogram = with_room_for(self.max().map_or(0, whole));
        for (value, n) in self.iter() {
            histogram.saturating_record_n(whole(value), n);
        }
        histogram
    }

    /// Creates buckets of nanoseconds for latencies, and of whole base units for distributions.
    ///
    /// Each of the histogram's own buckets is added at its middle, so quantiles are off by
    /// at most its error and [`Layout::error_at`] together.
    pub fn from_hdrhistogram(layout: Layout, histogram: &hdrhistogram::Histogram<u64>) -> Self {
        let mut buckets = Self::new(layout);
        for recorded in histogram.iter_recorded() {
            let middle = histogram.median_equivalent(recorded.value_iterated_to());
            buckets.add(middle as f64 * unit(layout), recorded.count_at_value());
        }
        buckets
    }

    /// Returns [`Self::to_hdrhistogram`] in the V2 form, not compressed.
    ///
    /// # Errors
    /// [`HdrError::Serialize`] when a bucket holds 2⁶³ values or more.
    pub fn to_hdr_v2(&self) -> Result<Vec<u8>, HdrError> {
        let mut bytes = Vec::new();
        let written = V2Serializer::new().serialize(&self.to_hdrhistogram(), &mut bytes);
        written.map_err(HdrError::Serialize)?;
        Ok(bytes)
    }

    /// Creates buckets from the V2 form, compressed or not, of any tool.
    ///
    /// The bytes determine how much memory is allocated, up to some GiB: read only bytes from a
    /// source that you trust.
    ///
    /// # Errors
    /// [`HdrError::Deserialize`] if the bytes are not in that format.
    pub fn from_hdr_v2(layout: Layout, bytes: &[u8]) -> Result<Self, HdrError> {
        let read = Deserializer::new().deserialize(&mut &*bytes);
        Ok(Self::from_hdrhistogram(layout, &read.map_err(HdrError::Deserialize)?))
    }
}

/// Returns one count of `hdrhistogram` in the base unit: a nanosecond for latencies.
fn unit(layout: Layout) -> f64 {
    match layout {
        Layout::Latency => NANOS,
        Layout::Distribution => 1.0,
    }
}

/// Creates an empty histogram that takes values up to `max` now, and grows for later ones.
fn with_room_for(max: u64) -> hdrhistogram::Histogram<u64> {
    let mut histogram = hdrhistogram::Histogram::new_with_max(max.max(2), DIGITS)
        .expect("every maximum from 2 on is allowed with 3 digits");
    histogram.auto(true);
    histogram
}
