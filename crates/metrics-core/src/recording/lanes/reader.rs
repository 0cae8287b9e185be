//! What a pass reads of all lanes.

use super::LANES;
use crate::recording::cells::LatencyCell;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::lock;

/// The tables of all lanes, for one pass over the cells.
pub(crate) struct Reader {
    words: Vec<&'static [AtomicU64]>,
    latencies: Vec<&'static [LatencyCell]>,
    shared: bool,
}

impl Reader {
    /// Takes the tables as they are now; cells touched first after this are seen by the next reader.
    pub(crate) fn new() -> Self {
        let all = lock(&LANES.all);
        Self {
            words: all.iter().map(|lane| *lock(&lane.words.0)).collect(),
            latencies: all.iter().map(|lane| *lock(&lane.latencies.0)).collect(),
            shared: LANES.shared.load(Ordering::Acquire),
        }
    }

    /// What a shared cell holds; nearly always nobody ever used one, and its cache line is spared.
    pub(crate) fn shared(&self, cell: impl FnOnce() -> u64) -> u64 {
        if self.shared { cell() } else { 0 }
    }

    /// The wrapping sum of a slot's words over all lanes.
    pub(crate) fn total(&self, slot: u32) -> u64 {
        let words = self.words.iter().filter_map(|words| words.get(slot as usize));
        words.fold(0, |sum, word| sum.wrapping_add(word.load(Ordering::Relaxed)))
    }

    /// The cells of a latency in all lanes.
    pub(crate) fn latencies(&self, slot: u32) -> impl Iterator<Item = &'static LatencyCell> {
        self.latencies.iter().filter_map(move |cells| cells.get(slot as usize))
    }

    /// The wrapping sum over all lanes of what a latency's records added.
    pub(crate) fn sum(&self, slot: u32) -> u64 {
        self.latencies(slot).fold(0, |sum, cell| sum.wrapping_add(cell.total()))
    }
}
