//! The closed ticks of a window.
//!
//! The window of a quiet series has hundreds of ticks. The newest are shared with samples. The
//! others are needed only when they leave, so until then their counts are packed into few bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::reading::delta::Delta;
use crate::reading::packed;
use crate::recording::layout::Layout;
use crate::recording::line::fetch;

/// The number of the newest ticks that are never packed.
///
/// The window of a busy series has fewer ticks, so it saves the time of packing.
const NEVER_PACKED: usize = 4;

/// The number of ticks that a thinned window has at least, if it had more.
const THINNED_TICKS: usize = 8;

/// One closed tick, or several of a thinned window, without the counts by bucket.
#[derive(Debug)]
pub(super) struct Interval {
    pub(super) start: Duration,
    pub(super) count: u64,
    pub(super) sum: f64,
}

/// The closed ticks of one series, the oldest first.
#[derive(Debug)]
pub(super) struct ClosedTicks {
    layout: Layout,
    intervals: VecDeque<Interval>,
    /// The counts of the oldest ticks, see [`pack`].
    packed: VecDeque<u8>,
    /// The deltas of the other ticks.
    shared: VecDeque<Arc<Delta>>,
}

impl ClosedTicks {
    pub(super) fn new(layout: Layout) -> Self {
        let (intervals, packed, shared) = Default::default();
        Self { layout, intervals, packed, shared }
    }

    pub(super) fn push(&mut self, start: Duration, delta: Arc<Delta>) {
        make_room(&mut self.intervals);
        self.intervals.push_back(Interval { start, count: delta.count(), sum: delta.sum() });
        self.shared.push_back(delta);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Interval> + Clone {
        self.intervals.iter()
    }

    /// Removes the oldest ticks and returns their deltas; one that was packed has lost its sum.
    pub(super) fn take(&mut self, ticks: usize) -> impl Iterator<Item = Arc<Delta>> {
        let packed = self.packed_ticks();
        self.intervals.drain(..ticks);
        let bytes = &mut self.packed;
        let counts = (0..ticks.min(packed))
            .map(|_| Arc::new(unpack(|| bytes.pop_front().unwrap_or(0), self.layout)));
        counts.chain(self.shared.drain(..ticks.saturating_sub(packed)))
    }

    /// Returns what [`Self::take`] would return.
    pub(super) fn oldest(&self, ticks: usize) -> impl Iterator<Item = Arc<Delta>> {
        let packed = self.packed_ticks();
        let mut bytes = self.packed.iter();
        let counts = (0..ticks.min(packed))
            .map(move |_| Arc::new(unpack(|| bytes.next().copied().unwrap_or(0), self.layout)));
        counts.chain(self.shared.iter().take(ticks.saturating_sub(packed)).cloned())
    }

    /// Returns the delta of all ticks together, if there is none or only one and it is not packed.
    pub(super) fn only(&self) -> Option<Option<&Arc<Delta>>> {
        match (self.intervals.len(), self.shared.front()) {
            (0, _) => Some(None),
            (1, Some(only)) => Some(Some(only)),
            _ => None,
        }
    }

    /// Returns `true` if there are so many ticks that [`Self::thin`] would merge some.
    pub(super) fn can_thin(&self) -> bool {
        self.intervals.len() > 2 * THINNED_TICKS
    }

    /// Merges neighbouring ticks, so that few are left, and their buckets to thin ones.
    pub(super) fn thin(&mut self) {
        if !self.can_thin() {
            return;
        }
        let each = self.intervals.len().div_ceil(THINNED_TICKS);
        let mut thinned = Self::new(self.layout);
        while !self.intervals.is_empty() {
            let ticks = each.min(self.intervals.len());
            let start = self.intervals[0].start;
            let sum = self.intervals.iter().take(ticks).map(|tick| tick.sum).sum();
            let mut merged = Delta::new(self.layout);
            self.take(ticks).for_each(|delta| merged.merge(&delta.thinned()));
            thinned.intervals.push_back(Interval { start, count: merged.count(), sum });
            pack(&merged, |byte| {
                make_room(&mut thinned.packed);
                thinned.packed.push_back(byte);
            });
        }
        *self = thinned;
    }

    /// Returns the bytes of the queues; deltas that are not packed count themselves.
    pub(super) fn bytes(&self) -> usize {
        self.intervals.capacity() * size_of::<Interval>()
            + self.packed.capacity()
            + self.shared.capacity() * size_of::<Arc<Delta>>()
    }

    fn packed_ticks(&self) -> usize {
        self.intervals.len() - self.shared.len()
    }

    /// Packs all ticks but the newest.
    pub(super) fn pack(&mut self) {
        let surplus = self.shared.len().saturating_sub(NEVER_PACKED);
        for delta in self.shared.drain(..surplus) {
            pack(&delta, |byte| {
                make_room(&mut self.packed);
                self.packed.push_back(byte);
            });
        }
    }

    /// Fetches the oldest ticks, which may leave.
    pub(super) fn fetch(&self) {
        fetch(self.intervals.as_slices().0);
    }
}

/// Makes room for one more element; a full queue grows by an eighth, not to twice its length.
#[inline]
fn make_room<T>(queue: &mut VecDeque<T>) {
    if queue.len() == queue.capacity() {
        queue.reserve_exact(queue.len() / 8 + 4);
    }
}

/// Writes the number of buckets, and their counts.
fn pack(delta: &Delta, mut write: impl FnMut(u8)) {
    packed::number(delta.counts().len() as u64, &mut write);
    packed::pack(delta.counts(), write);
}

/// Reads what [`pack`] wrote.
fn unpack(mut read: impl FnMut() -> u8, layout: Layout) -> Delta {
    let mut delta = Delta::new(layout);
    let buckets = packed::read_number(&mut read) as usize;
    packed::unpack(buckets, read).for_each(|(bucket, n)| delta.push(bucket, n));
    delta
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ticks_leave_with_their_counts(
            deltas in prop::collection::vec(
                prop::collection::btree_map(0..2000_u16, 1..u64::MAX >> 20, 0..9),
                0..40,
            ),
            taken in prop::collection::vec((0..9_usize, any::<bool>()), 0..20),
        ) {
            let mut closed = ClosedTicks::new(Layout::Latency);
            let mut expected: VecDeque<_> = deltas.iter().collect();
            for counts in &deltas {
                let delta = Delta::from_counts(Layout::Latency, counts.clone(), 0.5);
                closed.push(Duration::ZERO, Arc::new(delta));
            }
            for (ticks, packs) in taken {
                if packs {
                    closed.pack();
                }
                let ticks = ticks.min(expected.len());
                let counts = |delta: Arc<Delta>| delta.counts().collect();
                let seen: Vec<Vec<_>> = closed.oldest(ticks).map(counts).collect();
                let left: Vec<Vec<_>> = closed.take(ticks).map(counts).collect();
                let expected = expected.drain(..ticks);
                let expected: Vec<Vec<_>> =
                    expected.map(|counts| counts.clone().into_iter().collect()).collect();
                prop_assert_eq!(&seen, &expected);
                prop_assert_eq!(left, expected);
            }
            prop_assert_eq!(closed.iter().count(), expected.len());
        }
    }
}
