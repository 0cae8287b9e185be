//! Lanes and blocks that are made before a thread asks for them.
//!
//! A thread's first record needs a lane, and its first record of a latency a block. Both are
//! fresh memory, which costs its first user a page fault for every 4 KiB: 5 µs and more, where
//! all else of a first record takes under one. So each tick keeps some ready, with room for
//! all that is registered, and already written to once. A thread that finds none left makes
//! its own, as all threads do where nobody ticks.

use std::mem;

use crate::recording::cells::OwnBlock;
use crate::recording::lanes::{self, Lane};
use crate::sync::{Mutex, lock, try_lock};

/// The number of ready lanes: as many threads as a pool that starts between two ticks has.
pub(crate) const READY_LANES: usize = if cfg!(loom) { 1 } else { 16 };
/// The number of ready blocks, one for each latency that a new thread records.
const READY_BLOCKS: usize = if cfg!(loom) { 1 } else { 64 };

/// Lanes that no thread has leased yet, and blocks that no cell holds.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    lanes: Mutex<Vec<&'static Lane>>,
    blocks: Mutex<Vec<&'static OwnBlock>>,
    /// Held by the ticker that fills up, if several registries tick at once.
    filling: Mutex<()>,
}

impl Spares {
    /// Returns a ready lane, if there is one.
    pub(crate) fn take_lane(&self) -> Option<&'static Lane> {
        lock(&self.lanes).pop()
    }

    /// Returns a ready block, if there is one.
    pub(crate) fn take_block(&self) -> Option<&'static OwnBlock> {
        lock(&self.blocks).pop()
    }

    /// Empties a block and keeps it ready.
    pub(crate) fn give_block(&self, block: &'static OwnBlock) {
        // Before it is in the list: a thread that takes it starts from zero.
        block.clear();
        lock(&self.blocks).push(block);
    }

    /// Replaces what threads have taken, within `budget` bytes of all lanes.
    pub(crate) fn fill_up(&self, budget: usize) {
        let Some(_filling) = try_lock(&self.filling) else { return };
        // Taken out of the list while they grow, since nobody may lease a lane that grows. A
        // thread that comes just now makes its own.
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
