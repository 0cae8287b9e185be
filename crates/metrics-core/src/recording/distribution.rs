//! Values of any unit: sizes, ratios, scores.

use std::array;

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::context::Context;
use crate::recording::kinds::{Head, SeriesHandle};
use crate::recording::latency::LineCounts;
use crate::recording::layout::{FLOAT_LARGEST, FLOAT_OCTAVES, PER_LINE, PER_OCTAVE, float_index};
use crate::recording::memory::{Counted, Held};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, OnceLock};

/// The most values that one distribution takes.
///
/// No process lives long enough to record so many. The limit leaves room in 64 bits to add up
/// many distributions, and for threads that pass the limit at the same time.
const MOST: u64 = 1 << 56;

/// A handle to a distribution; clones share the storage.
///
/// Values from 2⁻⁶⁴ to 2⁶⁴ are accurate to
/// [`Layout::RELATIVE_ERROR`](crate::Layout::RELATIVE_ERROR). Smaller ones count as zero. Larger
/// ones count as 2⁶⁴, and in [`VALUES_CLAMPED`](crate::VALUES_CLAMPED).
/// Negative values, those that are not finite, and all from the 2⁵⁶th on are
/// dropped and counted in [`VALUES_DROPPED`](crate::VALUES_DROPPED). Cells are
/// shared by all threads: use it for sizes and similar values, not for the
/// latency of a hot path.
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Distribution {
    core: Option<Arc<DistributionCore>>,
}

/// The counts of one octave.
type Octave = Box<Counted<[AtomicU64; PER_OCTAVE]>>;

#[derive(Debug)]
pub(crate) struct DistributionCore {
    pub(crate) head: Head,
    /// The bounds of the exported buckets.
    bounds: Box<[f64]>,
    /// The counts of each octave, made with its first value.
    octaves: Box<[OnceLock<Octave>; FLOAT_OCTAVES]>,
    /// The bits of the sum.
    sum: AtomicU64,
    /// The number of records so far: the mark by which a pass finds the series changed.
    records: AtomicU64,
    context: Arc<Context>,
    _held: Held,
}

impl Distribution {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self { core: None }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<DistributionCore>) -> Self {
        Self { core: Some(core) }
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.core.as_ref().map(|core| core.head.id)
    }

    /// Records one value.
    pub fn record(&self, value: f64) {
        self.record_n(value, 1);
    }

    /// Records a value `n` times at the cost of once.
    pub fn record_n(&self, value: f64, n: u64) {
        let Some(core) = &self.core else { return };
        let records = core.records.load(Ordering::Relaxed).checked_add(n);
        if !value.is_finite() || value < 0.0 || records.is_none_or(|all| all > MOST) {
            core.context.dropped.fetch_add(n, Ordering::Relaxed);
            return;
        }
        if value > FLOAT_LARGEST {
            core.context.clamped.fetch_add(n, Ordering::Relaxed);
        }
        // `abs` turns minus zero into zero; its sign bit would select a large bucket.
        let value = value.abs().min(FLOAT_LARGEST);
        let (octave, bucket) = float_index(value);
        let counts = core.octaves[octave].get_or_init(new_octave);
        counts[bucket].fetch_add(n, Ordering::Relaxed);
        let sum = |bits| Some((f64::from_bits(bits) + value * n as f64).to_bits());
        // The closure always returns `Some`, so the update always succeeds.
        let _ = core.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        // Last, with a release that pairs with the acquire in `records`: a pass that sees the
        // new mark sees the count and the sum too.
        core.records.fetch_add(n, Ordering::Release);
    }
}

fn new_octave() -> Octave {
    let counts = array::from_fn(|_| AtomicU64::new(0));
    Box::new(Counted::new(counts, size_of::<[AtomicU64; PER_OCTAVE]>()))
}

impl SeriesHandle for Distribution {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    fn apply(&self, value: f64) {
        self.record(value);
    }
}

impl DistributionCore {
    pub(crate) fn new(head: Head, desc: &OwnedDesc, context: &Arc<Context>) -> Self {
        Self {
            head,
            bounds: (&*desc.bounds).into(),
            octaves: Box::new(array::from_fn(|_| OnceLock::new())),
            sum: AtomicU64::new(0),
            records: AtomicU64::new(0),
            context: context.clone(),
            _held: Held::new(size_of::<[OnceLock<Octave>; FLOAT_OCTAVES]>()),
        }
    }

    /// The bounds of the exported buckets.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Returns the number of records, for a pass that reads the counts next.
    pub(crate) fn records(&self) -> u64 {
        // Pairs with the release in `record_n`.
        self.records.load(Ordering::Acquire)
    }

    /// Returns the sum of all values.
    pub(crate) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }

    /// Visits the total counts of every line of an octave that holds something, by rising value.
    pub(crate) fn visit(&self, mut line: impl FnMut(usize, LineCounts<'_>)) {
        for (key, counts) in self.octaves.iter().enumerate() {
            let Some(counts) = counts.get() else { continue };
            for (at, counts) in counts.as_chunks::<PER_LINE>().0.iter().enumerate() {
                let counts = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
                line(key * (PER_OCTAVE / PER_LINE) + at, LineCounts::Exact(&counts));
            }
        }
    }
}
