//! The reading side of the lanes.

use super::LANES;
use crate::recording::cells::{LatencyCell, OwnBlock};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::lock;

/// The tables of all lanes, taken once for one pass over the cells.
pub(crate) struct Reader {
    words: Vec<&'static [AtomicU64]>,
    latencies: Vec<&'static [LatencyCell]>,
    shared: bool,
}

impl Reader {
    /// Collects the present tables; cells that are created later are seen by the next reader.
    pub(crate) fn new() -> Self {
        // Each lane's lock is held only to copy a slice. Growing holds it too, so a table is
        // complete when it is seen here.
        let all = lock(&LANES.all);
        Self {
            words: all.iter().map(|lane| *lock(&lane.words.0)).collect(),
            latencies: all.iter().map(|lane| *lock(&lane.latencies.0)).collect(),
            // Acquire pairs with the release in `note_shared`.
            shared: LANES.shared.load(Ordering::Acquire),
        }
    }

    /// Returns the value of a shared cell, or zero without reading it if none was ever used.
    ///
    /// Shared cells are rarely used, so this mostly saves a cache line for each series.
    pub(crate) fn shared(&self, cell: impl FnOnce() -> u64) -> u64 {
        if self.shared { cell() } else { 0 }
    }

    /// Returns the wrapping sum of a slot's words over all lanes.
    pub(crate) fn total(&self, slot: u32) -> u64 {
        let words = self.words.iter().filter_map(|words| words.get(slot as usize));
        words.fold(0, |sum, word| sum.wrapping_add(word.load(Ordering::Relaxed)))
    }

    /// The cells of a latency in all lanes.
    fn latencies(&self, slot: u32) -> impl Iterator<Item = &'static LatencyCell> {
        self.latencies.iter().filter_map(move |cells| cells.get(slot as usize))
    }

    /// The blocks of a latency in all lanes.
    pub(crate) fn blocks(&self, slot: u32) -> impl Iterator<Item = &'static OwnBlock> {
        self.latencies(slot).map(|cell| cell.block.load())
    }

    /// Returns the wrapping sum of a latency's sums over all lanes.
    pub(crate) fn sum(&self, slot: u32) -> u64 {
        self.latencies(slot).fold(0, |sum, cell| sum.wrapping_add(cell.total()))
    }
}
