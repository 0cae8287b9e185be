//! The counts at the bounds that a family exports, kept up as values come.
//!
//! A scrape asks for a dozen numbers of each series. Adding them up then would
//! read all its buckets, which are far more memory than the page has bytes.

use crate::reading::buckets::Rise;
use crate::recording::layout::Layout;

/// How many values of one series lie between one exported bound and the next.
#[derive(Debug)]
pub(crate) struct Exported {
    /// For each bound the number of the first bucket beyond it.
    ends: Box<[u16]>,
    counts: Box<[u64]>,
}

impl Exported {
    pub(crate) fn new(layout: Layout, bounds: &[f64]) -> Self {
        Self {
            ends: bounds.iter().map(|bound| layout.end(*bound) as u16).collect(),
            counts: bounds.iter().map(|_| 0).collect(),
        }
    }

    pub(crate) fn enter(&mut self, rise: &Rise) {
        let mut at = 0;
        for (bucket, n) in rise.cells() {
            while self.ends.get(at).is_some_and(|end| end <= bucket) {
                at += 1;
            }
            let Some(count) = self.counts.get_mut(at) else { return };
            *count += n;
        }
    }

    /// Writes how many values are at most each of the bounds.
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
    use crate::recording::layout::{MAX_NANOS, NANOS, latency_index};

    proptest! {
        #[test]
        fn counts_are_those_of_all_buckets(
            nanos in prop::collection::vec(0..=MAX_NANOS, 0..50),
            mut bounds in prop::collection::vec(0.0f64..4000.0, 0..8),
        ) {
            bounds.extend(nanos.iter().step_by(3).map(|nanos| *nanos as f64 * NANOS));
            bounds.sort_by(f64::total_cmp);
            let mut exported = Exported::new(Layout::Latency, &bounds);
            let mut all = Buckets::new(Layout::Latency);
            for some in nanos.chunks(7) {
                let mut rise = Rise::default();
                for nanos in some {
                    let mut one = Rise::default();
                    one.push(latency_index(*nanos).0 as u16, 1);
                    rise.append(&one);
                }
                exported.enter(&rise);
                all.enter(&rise);
            }
            let mut counts = Vec::new();
            exported.cumulative(&mut counts);
            prop_assert_eq!(counts, all.cumulative(&bounds));
        }
    }
}
