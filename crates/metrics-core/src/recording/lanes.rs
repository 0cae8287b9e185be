//! Lanes: sets of cells, each written by one thread at a time.
//!
//! A thread leases a lane at its first record and gives it back when it ends. Only the
//! leaseholder writes to the lane, so a record is a plain load, add and store without
//! contention. A lane keeps its counts when it is given back, and the next thread that leases
//! it adds to them. So nothing has to be merged or cleared when a thread ends, and the number
//! of lanes is the largest number of recording threads that were ever alive at once.
//!
//! A lane has one table for each kind of cell. A metric owns a slot, which is the index of its
//! cell in the tables of all lanes. Example: a counter with slot 5 has word 5 of every lane, and
//! its total is the sum of these words. Tables are dense arrays, so a pass reads few cache
//! lines. Lanes and slots belong to the process; all registries share them.
//!
//! A table grows by replacement. The old table is kept, not freed, because a pass may be
//! reading it. A new table is at least twice as long as the old one, so the old tables never
//! take more memory than those in use. They stay listed, so that leak checkers find them in use.
//!
//! The first write to fresh memory costs page faults. So each tick prepares some lanes and
//! tables [in advance](crate::recording::spares), for threads that are still to come.
//!
//! Lanes have a part of the [byte budget](crate::recording::memory). When it is used up, and while the
//! storage of a thread is being destroyed, a record goes to the metric's shared cell by an atomic add.

mod reader;

use std::cell;
use std::marker::PhantomData;

use crate::recording::cells::{Cell, LatencyCell, OwnBlock};
use crate::recording::memory;
use crate::recording::spares::{READY_LANES, Spares};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, global, lock, per_thread};

pub(crate) use reader::Reader;

/// A set of cells that one thread at a time writes.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) words: Table<AtomicU64>,
    pub(crate) latencies: Table<LatencyCell>,
}

/// The cells of one kind in one lane, by slot; and the tables that were replaced.
#[derive(Debug)]
pub(crate) struct Table<C: 'static>(Mutex<&'static [C]>, Mutex<Vec<&'static [C]>>);

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self(Mutex::new(&[]), Mutex::default())
    }
}

/// All lanes of the process.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// Every lane that was leased at least once.
    all: Mutex<Vec<&'static Lane>>,
    leases: Mutex<Leases>,
    pub(crate) spares: Spares,
    pub(crate) words: Mutex<Slots>,
    pub(crate) latencies: Mutex<Slots>,
    bytes: AtomicUsize,
    /// The number of latencies of all registries.
    live_latencies: AtomicUsize,
    /// `true` once a record of any thread went to a shared cell.
    shared: AtomicBool,
}

/// The leases of the process.
#[derive(Debug, Default)]
struct Leases {
    /// The number of threads that have a lane.
    held: usize,
    /// The lanes that were given back, the latest last.
    idle: Vec<&'static Lane>,
}

/// The slots of one kind of cell, each owned by a metric or free.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    free: Vec<u32>,
    /// The lowest slot that no metric has owned yet.
    next: u32,
}

global!(static LANES: Lanes);

per_thread! {
    /// This thread's tables, empty before its lease and after.
    ///
    /// It has no destructor, so a record can read it as long as the thread runs.
    static OWN: OwnTables = const {
        OwnTables { words: cell::Cell::new(&[]), latencies: cell::Cell::new(&[]) }
    };
}
per_thread! {
    /// The lease itself, whose destructor gives the lane back.
    static LEASE: Lease = Lease::new();
}

/// The tables of the lane that the thread leases.
pub(crate) struct OwnTables {
    pub(crate) words: cell::Cell<&'static [AtomicU64]>,
    pub(crate) latencies: cell::Cell<&'static [LatencyCell]>,
}

impl OwnTables {
    /// Replaces the calling thread's tables.
    fn replace(words: &'static [AtomicU64], latencies: &'static [LatencyCell]) {
        // Access fails only at the end of a thread in a loom model, which records no more.
        let _ = OWN.try_with(|own| {
            own.words.set(words);
            own.latencies.set(latencies);
        });
    }
}

/// The calling thread's right to write to a lane.
struct Lease {
    lane: &'static Lane,
}

impl Lease {
    fn new() -> Self {
        // The lane that was given back last is the most likely to be in a CPU cache.
        let idle = lock(&LANES.leases).take();
        let lane = idle.unwrap_or_else(|| {
            let lane = LANES.spares.take_lane().unwrap_or_else(|| Box::leak(Box::default()));
            // The lane joins the list before its first record, so that no pass misses a record.
            lock(&LANES.all).push(lane);
            lane
        });
        OwnTables::replace(*lock(&lane.words.0), *lock(&lane.latencies.0));
        Self { lane }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The thread's tables are emptied before the lane is given back. A later record of this
        // thread then goes to shared cells; in the lane it would race with the next
        // leaseholder. The mutex of `leases` makes this thread's stores visible to that
        // leaseholder, which adds to the counts that it finds.
        OwnTables::replace(&[], &[]);
        lock(&LANES.leases).give_back(self.lane);
    }
}

impl Leases {
    /// Counts a lease, and returns the lane that was given back last, if there is one.
    fn take(&mut self) -> Option<&'static Lane> {
        self.held += 1;
        self.idle.pop()
    }

    fn give_back(&mut self, lane: &'static Lane) {
        self.held -= 1;
        self.idle.push(lane);
    }

    /// Removes from the list those lanes that are leased next and have no cell for some slot.
    ///
    /// The caller grows them and puts them back. They are out of the list meanwhile, because a
    /// lane must not be leased while it grows.
    fn take_short(&mut self) -> Vec<&'static Lane> {
        let next = self.idle.len().saturating_sub(READY_LANES)..;
        self.idle.extract_if(next, |lane| lane.is_short()).collect()
    }
}

/// Returns this thread's cell of a slot, if its table is long enough.
#[inline]
pub(crate) fn cell<C: Cell>(slot: u32) -> Option<&'static C> {
    OWN.with(|own| C::own(own).get().get(slot as usize))
}

/// Leases a lane and grows its table as needed, and returns this thread's cell of a slot.
///
/// Returns `None` if the lanes would take more than `budget` bytes, and at the thread's end.
#[cold]
pub(crate) fn touch<C: Cell>(slot: u32, budget: usize) -> Option<&'static C> {
    let cells = LEASE.try_with(|lease| C::table(lease.lane).grow(slot, budget)).ok()??;
    OWN.with(|own| C::own(own).set(cells));
    cells.get(slot as usize)
}

/// Returns an empty block, a prepared one if possible; `None` beyond `budget` bytes.
#[cold]
pub(crate) fn take_block(budget: usize) -> Option<&'static OwnBlock> {
    LANES.spares.take_block().or_else(|| new_block(budget))
}

/// Returns `false` if [`take_block`] would find none, without a lock.
///
/// Beyond the budget each record of a thread without a block gets here. They must not wait for
/// each other.
pub(crate) fn may_take_block(budget: usize) -> bool {
    LANES.spares.has_blocks() || has_room(size_of::<OwnBlock>(), budget)
}

/// Keeps a block that no thread writes to any more for the next [`take_block`].
pub(crate) fn give_block(block: &'static OwnBlock) {
    LANES.spares.give_block(block);
}

/// Makes a block; `None` beyond `budget` bytes.
pub(crate) fn new_block(budget: usize) -> Option<&'static OwnBlock> {
    reserve(size_of::<OwnBlock>(), budget)?;
    Some(Box::leak(Box::default()))
}

/// Makes lanes and blocks for threads that will record for the first time, within `budget` bytes.
pub(crate) fn prepare(budget: usize) {
    LANES.spares.fill_up(budget);
    let short = lock(&LANES.leases).take_short();
    for lane in short {
        lane.prepare(budget);
        // Lanes go back one by one, so that a new thread can lease those that are done.
        lock(&LANES.leases).idle.push(lane);
    }
}

impl Lane {
    /// Returns `true` if some slot has no cell here.
    fn is_short(&self) -> bool {
        self.words.is_short() || self.latencies.is_short()
    }

    /// Grows the tables to all slots and writes to each cell; the lane must not be leased meanwhile.
    pub(crate) fn prepare(&self, budget: usize) {
        self.words.prepare(budget);
        self.latencies.prepare(budget);
    }
}

impl<C: Cell> Table<C> {
    fn is_short(&self) -> bool {
        lock(&self.0).len() < slots_given::<C>() as usize
    }

    fn prepare(&self, budget: usize) {
        if self.is_short()
            && let Some(cells) = self.grow(slots_given::<C>() - 1, budget)
        {
            // The system maps memory at the first write, and a record should not have to wait
            // for that. Each cell is overwritten with its own value.
            cells.iter().for_each(|cell| cell.carry(cell));
        }
    }

    /// Returns the cells, after replacing the table by a larger one if it lacks the slot.
    ///
    /// The caller is the thread that leases the lane, or the lane is not leased. So no record is
    /// added to an old cell after the cell was copied. Returns `None` beyond `budget` bytes.
    fn grow(&self, slot: u32, budget: usize) -> Option<&'static [C]> {
        let mut cells = lock(&self.0);
        if cells.len() <= slot as usize {
            // At least all slots given out so far, so that metrics registered at start-up cost
            // a thread one growth in all. And at least twice the old length, so that leaked
            // tables take less memory than those in use.
            let wanted = slots_given::<C>().max(slot + 1) as usize;
            let len = wanted.next_multiple_of(LEAST_CELLS).max(2 * cells.len());
            reserve(len * size_of::<C>(), budget)?;
            let grown: &'static [C] = (0..len).map(|_| C::default()).collect::<Vec<_>>().leak();
            for (new, old) in grown.iter().zip(*cells) {
                new.carry(old);
            }
            let replaced = std::mem::replace(&mut *cells, grown);
            if !replaced.is_empty() {
                lock(&self.1).push(replaced);
            }
        }
        Some(*cells)
    }
}

/// Returns the number of slots of a kind that were given out so far, freed ones included.
fn slots_given<C: Cell>() -> u32 {
    lock(C::slots(&LANES)).next
}

/// The number of cells in a lane's first table.
const LEAST_CELLS: usize = if cfg!(loom) { 1 } else { 64 };

/// The bytes that a latency takes at least: its thin cells, its totals and a thinned window.
///
/// Measured for values in all octaves (`tests/recording_memory.rs`).
const LEAST_OF_A_LATENCY: usize = 9 << 10;

/// Returns the part of a budget that lanes may take.
///
/// The lanes of a thread cannot be taken back while it lives. So they leave room for what each
/// latency needs in any case, and for what windows have taken already.
fn room(budget: usize) -> usize {
    let latencies = LANES.live_latencies.load(Ordering::Relaxed);
    let least = latencies.saturating_mul(LEAST_OF_A_LATENCY).min(budget / 4 * 3);
    budget.saturating_sub(least.max(memory::held()))
}

/// Counts a latency that was made.
pub(crate) fn add_latency() {
    LANES.live_latencies.fetch_add(1, Ordering::Relaxed);
}

/// Counts a latency that is gone.
pub(crate) fn remove_latency() {
    LANES.live_latencies.fetch_sub(1, Ordering::Relaxed);
}

/// Returns `true` if the lanes' part of a budget has room for some bytes.
pub(crate) fn has_room(needed: usize, budget: usize) -> bool {
    bytes().saturating_add(needed) <= room(budget)
}

/// Counts bytes of cells that are in no lane, whatever the budget.
pub(crate) fn add_bytes(bytes: usize) {
    LANES.bytes.fetch_add(bytes, Ordering::Relaxed);
}

/// Takes back what [`add_bytes`] counted.
pub(crate) fn remove_bytes(bytes: usize) {
    LANES.bytes.fetch_sub(bytes, Ordering::Relaxed);
}

/// Adds to the count of bytes; `None` if the sum would be more than the lanes' part of `budget`.
fn reserve(bytes: usize, budget: usize) -> Option<()> {
    let room = room(budget);
    let within = |held: usize| held.checked_add(bytes).filter(|&total| total <= room);
    LANES.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).ok().map(drop)
}

/// Notes that shared cells are in use; called before a record goes to one.
#[cold]
pub(crate) fn note_shared() {
    // Release pairs with the acquire in `Reader::new`. If the two threads
    // synchronise after the record by other means, the reader also sees this store, which is
    // earlier.
    LANES.shared.store(true, Ordering::Release);
}

/// Returns the number of threads of the process that lease a lane now.
pub(crate) fn leased() -> usize {
    lock(&LANES.leases).held
}

/// Returns the bytes of all lanes of the process, replaced tables included.
pub(crate) fn bytes() -> usize {
    LANES.bytes.load(Ordering::Relaxed)
}

/// A metric's cell in every lane; dropping it clears the cells and frees the slot.
///
/// The metric's core owns it, so it is dropped after the last handle: no thread records into
/// the cells any more, and all records happened before the drop.
#[derive(Debug)]
pub(crate) struct Slot<C: Cell> {
    pub(crate) index: u32,
    cell: PhantomData<C>,
}

impl<C: Cell> Slot<C> {
    /// Takes a freed slot, or the lowest unused one.
    pub(crate) fn take() -> Self {
        let mut slots = lock(C::slots(&LANES));
        let index = slots.free.pop().unwrap_or_else(|| {
            slots.next += 1;
            slots.next - 1
        });
        Self { index, cell: PhantomData }
    }
}

impl<C: Cell> Drop for Slot<C> {
    fn drop(&mut self) {
        // Cells are cleared before the slot is freed, so that the next metric starts from zero
        // in each lane.
        for lane in lock(&LANES.all).iter() {
            if let Some(cell) = lock(&C::table(lane).0).get(self.index as usize) {
                cell.clear(&LANES);
            }
        }
        lock(C::slots(&LANES)).free.push(self.index);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_was_replaced_stays_listed() {
        let table = Table::<AtomicU64>::default();
        let first = table.grow(0, usize::MAX).map(<[_]>::as_ptr);
        let second = table.grow(100, usize::MAX).map(<[_]>::as_ptr);
        assert_ne!(first, second);
        let listed: Vec<_> = lock(&table.1).iter().map(|cells| cells.as_ptr()).collect();
        assert_eq!(listed, [first.expect("it has cells")]);
    }
}
