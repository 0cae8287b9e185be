//! The size of a history.

use std::time::Duration;

/// The size of a history at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The number of series, with those that are gone and still readable.
    pub series: usize,
    /// The number of intervals of all series in all tiers.
    pub data_points: u64,
    /// The bytes held on the heap, names and labels included.
    pub bytes: usize,
    /// The bytes above which the oldest intervals are dropped.
    pub max_bytes: usize,
    /// The number of intervals that were dropped before their time, for lack of room.
    pub evicted: u64,
    /// How often a new series found no room at a tick.
    pub refused: u64,
    /// The tiers, the finest first.
    pub tiers: Vec<TierStats>,
}

/// The size of one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierStats {
    /// The length of an interval.
    pub step: Duration,
    /// The time for which intervals are kept.
    pub keep: Duration,
    /// The number of intervals of all series.
    pub data_points: u64,
    /// The bytes of the compressed intervals, without what surrounds them.
    pub data_bytes: usize,
}
