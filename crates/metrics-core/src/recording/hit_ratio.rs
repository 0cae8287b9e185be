//! Hits and misses of one kind of lookup.

use crate::recording::counter::Counter;

/// Two counters of one family that differ in the label `result`.
///
/// No ratio is stored: ratios of several instances cannot be averaged, but counts can be
/// added. The share is computed where it is read, with
/// [`View::hit_ratio`](crate::View::hit_ratio).
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct HitRatio {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
}

impl HitRatio {
    /// A handle that counts nothing.
    pub const fn disabled() -> Self {
        Self { hits: Counter::disabled(), misses: Counter::disabled() }
    }

    /// Counts a lookup that found something.
    #[inline]
    pub fn hit(&self) {
        self.hits.inc();
    }

    /// Counts a lookup that found nothing.
    #[inline]
    pub fn miss(&self) {
        self.misses.inc();
    }
}
