//! What threads will want that record for the first time, made before they ask.
//!
//! A thread's first record wants a lane, and the first of a latency in that lane a
//! block. Both are fresh memory, which costs its first user a page fault for every
//! 4 KiB: many times what all else of a record does. So whoever ticks keeps some
//! ready, large enough for what is registered and written to once. A thread that
//! finds none left makes its own, as all do where nobody ticks.

use std::mem;

use crate::recording::cells::OwnBlock;
use crate::recording::lanes::{self, Lane};
use crate::sync::{Mutex, lock, try_lock};

/// How many threads may record for the first time between two ticks: a pool that starts.
pub(crate) const READY_LANES: usize = if cfg!(loom) { 1 } else { 16 };
/// In how many of their latencies, all together.
const READY_BLOCKS: usize = if cfg!(loom) { 1 } else { 64 };

/// Lanes that no thread has leased yet, and blocks that no cell holds.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    lanes: Mutex<Vec<&'static Lane>>,
    blocks: Mutex<Vec<&'static OwnBlock>>,
    /// Held by the one ticker that fills up.
    filling: Mutex<()>,
}

impl Spares {
    pub(crate) fn take_lane(&self) -> Option<&'static Lane> {
        lock(&self.lanes).pop()
    }

    pub(crate) fn take_block(&self) -> Option<&'static OwnBlock> {
        lock(&self.blocks).pop()
    }

    /// Empties a block and takes it in.
    pub(crate) fn give_block(&self, block: &'static OwnBlock) {
        block.clear();
        lock(&self.blocks).push(block);
    }

    /// Fills up what threads have taken, within `budget` bytes of all lanes.
    pub(crate) fn fill_up(&self, budget: usize) {
        let Some(_filling) = try_lock(&self.filling) else { return };
        // Out of sight while they grow: a thread that comes just now makes its own.
        let mut ready = mem::take(&mut *lock(&self.lanes));
        ready.resize_with(READY_LANES.max(ready.len()), || Box::leak(Box::default()));
        ready.iter().for_each(|lane| lane.prepare(budget));
        lock(&self.lanes).append(&mut ready);

        let left = lock(&self.blocks).len();
        for _ in left..READY_BLOCKS {
            let Some(block) = lanes::new_block(budget) else { return };
            // Writes to it, which the allocator may not have done.
            self.give_block(block);
        }
    }
}
