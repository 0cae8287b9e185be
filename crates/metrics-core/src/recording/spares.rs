//! Lanes and blocks that are made before a thread asks for them.
//!
//! A thread's first record needs a lane, and its first record of a latency a block. The first
//! write to fresh memory causes a page fault for every 4 KiB, which takes 5 µs and more; the
//! rest of a first record takes less than 1 µs. So each tick prepares lanes and blocks with
//! cells for all registered metrics, and writes to them once. A thread that finds none creates
//! its own, as all threads do without a ticker.

use std::mem;

use crate::recording::cells::OwnBlock;
use crate::recording::lanes::{self, Lane};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, lock, try_lock};

// A tick writes to each cell of what it prepares. That takes microseconds, but Miri needs minutes
// for it, and models multiply their states by it: for both, one of each is prepared.

/// The number of prepared lanes, enough for a thread pool that starts between two ticks.
pub(crate) const READY_LANES: usize = if cfg!(any(loom, miri)) { 1 } else { 16 };
/// The number of prepared blocks; a new thread takes one for each latency that it records.
const READY_BLOCKS: usize = if cfg!(any(loom, miri)) { 1 } else { 64 };

/// Lanes that no thread has leased yet, and blocks that no cell holds.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    lanes: Mutex<Vec<&'static Lane>>,
    blocks: Mutex<Vec<&'static OwnBlock>>,
    /// The length of `blocks`, for those who must not wait for its lock in vain.
    block_count: AtomicUsize,
    /// Locked while a ticker prepares spares, since several registries may tick at once.
    filling: Mutex<()>,
}

impl Spares {
    /// Returns a ready lane, if there is one.
    pub(crate) fn take_lane(&self) -> Option<&'static Lane> {
        lock(&self.lanes).pop()
    }

    /// Returns a ready block, if there is one.
    pub(crate) fn take_block(&self) -> Option<&'static OwnBlock> {
        let mut blocks = lock(&self.blocks);
        let block = blocks.pop();
        self.block_count.store(blocks.len(), Ordering::Relaxed);
        block
    }

    /// Returns `true` if there are ready blocks, as a rule: others may take the last one.
    pub(crate) fn has_blocks(&self) -> bool {
        self.block_count.load(Ordering::Relaxed) > 0
    }

    /// Empties a block and keeps it ready.
    pub(crate) fn give_block(&self, block: &'static OwnBlock) {
        // Cleared before it joins the list, so that a thread that takes it starts from zero.
        block.clear();
        let mut blocks = lock(&self.blocks);
        blocks.push(block);
        self.block_count.store(blocks.len(), Ordering::Relaxed);
    }

    /// Replaces what threads have taken, within `budget` bytes of all lanes.
    pub(crate) fn fill_up(&self, budget: usize) {
        let Some(_filling) = try_lock(&self.filling) else { return };
        // Removed from the list while they grow, since a growing lane must not be leased. A
        // thread that needs a lane meanwhile creates its own.
        let mut ready = mem::take(&mut *lock(&self.lanes));
        ready.resize_with(READY_LANES.max(ready.len()), || Box::leak(Box::default()));
        ready.iter().for_each(|lane| lane.prepare(budget));
        lock(&self.lanes).append(&mut ready);

        let left = lock(&self.blocks).len();
        for _ in left..READY_BLOCKS {
            let Some(block) = lanes::new_block(budget) else { return };
            // Clearing it writes to each page, which the allocator may not have done.
            self.give_block(block);
        }
    }
}
