//! What a histogram gained between two samples.

use std::mem;

use metrics_core::Histogram;

/// What of a histogram was passed on already.
#[derive(Debug, Default)]
pub(crate) struct PassedOn {
    count: u64,
    /// By rising midpoint.
    buckets: Vec<(f64, u64)>,
}

impl PassedOn {
    /// Calls `rise` with the midpoint of each bucket that rose since, and by how much.
    pub(crate) fn advance(&mut self, now: &Histogram, mut rise: impl FnMut(f64, u64)) {
        if now.count() == self.count {
            return;
        }
        // Counts never fall: this is another series of the same name.
        if now.count() < self.count {
            *self = Self::default();
        }
        let total = now.total();
        let mut before = mem::take(&mut self.buckets).into_iter().peekable();
        for (midpoint, n) in total.iter() {
            while before.next_if(|(at, _)| *at < midpoint).is_some() {}
            let known = before.next_if(|(at, _)| *at == midpoint).map_or(0, |(_, n)| n);
            if n > known {
                rise(midpoint, n - known);
            }
            self.buckets.push((midpoint, n));
        }
        self.count = total.count();
    }
}
