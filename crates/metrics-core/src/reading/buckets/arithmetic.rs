//! Addition and subtraction of buckets.
//!
//! Two invariants hold after each operation: the count is the sum of all buckets, and it fits
//! 64 bits. So the sum over any set of buckets fits too, and no reading can overflow.

use super::{Buckets, place};
use crate::reading::delta::Delta;

impl Buckets {
    /// Adds a value `n` times.
    ///
    /// The same rules apply as for recording: a negative value or one that is not finite is
    /// dropped, and one beyond the layout's largest is taken as the largest.
    pub fn add(&mut self, value: f64, n: u64) {
        if let Some(value) = self.layout.accept(value) {
            self.put(self.layout.bucket_of(value), n);
            self.sum += value * n as f64;
        }
    }

    /// Adds all values of `other`.
    ///
    /// If `other` has another layout, each of its buckets is added at its midpoint, so
    /// its values are off by the errors of both layouts. Beyond 2⁶⁴ values the rest is
    /// not counted.
    pub fn merge(&mut self, other: &Self) {
        if self.layout != other.layout || !self.has_room(other.count) {
            return self.add_delta(&other.into());
        }
        for (octave, theirs) in other.octaves() {
            let mine = self.octave(octave);
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    /// Removes the values of `other`, the inverse of [`merge`](Self::merge).
    ///
    /// No bucket falls below zero. The sum has the rounding error of floats, and is
    /// zero if no value is left.
    pub fn subtract(&mut self, other: &Self) {
        self.subtract_delta(&other.into());
    }

    /// Adds all values of `delta`, as [`merge`](Self::merge) does.
    pub fn add_delta(&mut self, delta: &Delta) {
        let delta = &*delta.to_layout(self.layout);
        if self.has_room(delta.count()) {
            self.each_bucket(delta, |count, n| *count += n);
            self.count += delta.count();
        } else {
            delta.counts().for_each(|(bucket, n)| self.put(bucket, n));
        }
        self.sum += delta.sum();
    }

    /// Adds the counts of neighbouring buckets of one octave; the sum stays as it is.
    pub(crate) fn add_run(&mut self, first: u16, counts: &[u64]) {
        let count = counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n));
        if let Some(count) = count.filter(|count| self.has_room(*count)) {
            let (octave, step) = place(first);
            let held = self.octave(octave)[step..].iter_mut();
            held.zip(counts).for_each(|(held, n)| *held += n);
            self.count += count;
        } else {
            (first..).zip(counts).for_each(|(bucket, n)| self.put(bucket, *n));
        }
    }

    /// Removes the values of `delta`, as [`subtract`](Self::subtract) does.
    pub fn subtract_delta(&mut self, delta: &Delta) {
        let delta = &*delta.to_layout(self.layout);
        let mut removed = 0;
        self.each_bucket(delta, |count, n| {
            let n = n.min(*count);
            *count -= n;
            removed += n;
        });
        self.count -= removed;
        self.sum = if self.is_empty() { 0.0 } else { (self.sum - delta.sum()).max(0.0) };
    }

    /// Returns what was added since `earlier`, an older state of these buckets.
    pub fn since(&self, earlier: &Self) -> Delta {
        let mut rest = self.clone();
        rest.subtract(earlier);
        Delta::from(&rest)
    }

    /// Calls `change` with the count of each bucket of `delta`, which has the same layout,
    /// and with the delta's count.
    fn each_bucket(&mut self, delta: &Delta, mut change: impl FnMut(&mut u64, u64)) {
        // Successive buckets mostly share an octave, so it is searched only when it changes.
        let mut found: Option<(u16, usize)> = None;
        for (bucket, n) in delta.counts() {
            let (octave, step) = place(bucket);
            let at = match found {
                Some((known, at)) if known == octave => at,
                _ => self.octave_at(octave),
            };
            found = Some((octave, at));
            change(&mut self.counts[at][step], n);
        }
    }

    /// Adds to one bucket, up to a total count of 2⁶⁴ − 1.
    fn put(&mut self, bucket: u16, n: u64) {
        // As long as the sum of all counts fits 64 bits, every partial sum does too.
        let n = n.min(u64::MAX - self.count);
        let (octave, step) = place(bucket);
        self.octave(octave)[step] += n;
        self.count += n;
    }

    fn has_room(&self, count: u64) -> bool {
        self.count.checked_add(count).is_some()
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }
}
