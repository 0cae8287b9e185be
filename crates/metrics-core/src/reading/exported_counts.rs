//! The cumulative counts at the exported bounds, updated with every delta.
//!
//! A scrape shows a dozen counts of each series. Adding them up at each scrape would read all
//! buckets of the series, which take far more memory than the text of the page.

use crate::reading::delta::Delta;
use crate::recording::layout::Layout;
use crate::recording::line::fetch;

/// The number of values of one series between each exported bound and the one before.
#[derive(Debug)]
pub(crate) struct ExportedCounts {
    /// The number of the first bucket beyond each bound.
    ends: Box<[u16]>,
    counts: Box<[u64]>,
}

impl ExportedCounts {
    pub(crate) fn new(layout: Layout, bounds: &[f64]) -> Self {
        Self {
            ends: bounds.iter().map(|bound| layout.end(*bound)).collect(),
            counts: bounds.iter().map(|_| 0).collect(),
        }
    }

    /// Fetches the counts, to add to them.
    pub(crate) fn fetch(&self) {
        fetch(&*self.ends);
        fetch(&*self.counts);
    }

    /// Returns the bytes of the lists.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.ends) + size_of_val(&*self.counts)
    }

    /// Adds what was recorded since the last call.
    pub(crate) fn add(&mut self, delta: &Delta) {
        // Both lists rise, so one walk over them finds the bound of each bucket.
        let mut at = 0;
        for (bucket, n) in delta.counts() {
            while self.ends.get(at).is_some_and(|end| *end <= bucket) {
                at += 1;
            }
            // Values beyond the last bound are only in the total count, which is kept elsewhere.
            let Some(count) = self.counts.get_mut(at) else { return };
            *count += n;
        }
    }

    /// Writes the number of values up to each of the bounds.
    pub(crate) fn cumulative(&self, to: &mut Vec<u64>) {
        to.clear();
        let mut seen = 0;
        to.extend(self.counts.iter().map(|n| {
            seen += n;
            seen
        }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reading::buckets::Buckets;
    use crate::recording::layout::{MAX_NANOS, NANOS};

    proptest! {
        #[test]
        fn counts_are_those_of_all_buckets(
            nanos in prop::collection::vec(0..=MAX_NANOS, 0..50),
            mut bounds in prop::collection::vec(0.0f64..4000.0, 0..8),
        ) {
            bounds.extend(nanos.iter().step_by(3).map(|nanos| *nanos as f64 * NANOS));
            bounds.sort_by(f64::total_cmp);
            let mut exported = ExportedCounts::new(Layout::Latency, &bounds);
            let mut all = Buckets::new(Layout::Latency);
            for some in nanos.chunks(7) {
                let mut delta = Delta::new(Layout::Latency);
                some.iter().for_each(|nanos| delta.add(*nanos as f64 * NANOS, 1));
                exported.add(&delta);
                all.add_delta(&delta);
            }
            let mut counts = Vec::new();
            exported.cumulative(&mut counts);
            prop_assert_eq!(counts, all.cumulative(&bounds));
        }
    }
}
