//! Lanes: the cells that one thread at a time records into.
//!
//! A thread leases a lane with its first record and gives it back when it ends; the next
//! thread goes on in the same cells. So a record is a plain load, add and store that no other
//! thread contends for. Nothing is folded or zeroed at a thread's end, and memory is that of
//! the most threads ever alive at once.
//!
//! A lane has a table for each kind of cell, indexed by a slot that a metric owns in all
//! lanes. Example: a counter with slot 5 is word 5 of every lane, and its total is the sum of
//! these words. Tables are dense, so that a pass finds what changed by running over a few
//! cache lines. They belong to the process: all registries share the slots.
//!
//! Tables grow by being replaced. The old one is leaked, not freed, because a pass may be
//! reading it. Each is at least twice the one before, so leaked tables never take more than
//! those in use.
//!
//! A lane and its first tables are fresh memory, which costs its first user page faults. A
//! tick therefore keeps some [ready](crate::recording::spares).
//!
//! Lanes have a byte budget. A thread beyond it, and one whose thread-local storage is being
//! torn down, gets `None` here and records into the metric's shared cell with atomic adds.

mod reader;

use std::cell;
use std::marker::PhantomData;

use crate::recording::cells::{Cell, LatencyCell, OwnBlock};
use crate::recording::spares::{READY_LANES, Spares};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, global, lock, per_thread};

pub(crate) use reader::Reader;

/// The cells of one thread at a time.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) words: Table<AtomicU64>,
    pub(crate) latencies: Table<LatencyCell>,
}

/// The cells of one kind in one lane, by slot.
#[derive(Debug)]
pub(crate) struct Table<C: 'static>(Mutex<&'static [C]>);

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self(Mutex::new(&[]))
    }
}

/// All lanes of the process.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// All lanes that were ever leased.
    all: Mutex<Vec<&'static Lane>>,
    leases: Mutex<Leases>,
    pub(crate) spares: Spares,
    pub(crate) words: Mutex<Slots>,
    pub(crate) latencies: Mutex<Slots>,
    bytes: AtomicUsize,
    /// `true` once any record of the process went to a shared cell.
    shared: AtomicBool,
}

/// The leases of the process.
#[derive(Debug, Default)]
struct Leases {
    /// The number of threads that have a lane.
    held: usize,
    /// The lanes that were given back.
    idle: Vec<&'static Lane>,
}

/// The slots of one kind of cell: each is in a metric's hands, or free to be given again.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    free: Vec<u32>,
    /// The first slot that was never given.
    next: u32,
}

global!(static LANES: Lanes);

per_thread! {
    /// This thread's tables, empty before its lease and after.
    ///
    /// It has no destructor, so a record finds it at any time of the thread's life.
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
        // It is gone only where a model's thread ends, and then nobody records.
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
        // The lane that was given back last is the likeliest to be in a cache.
        let idle = lock(&LANES.leases).take();
        let lane = idle.unwrap_or_else(|| {
            let lane = LANES.spares.take_lane().unwrap_or_else(|| Box::leak(Box::default()));
            // Before its first record, so that no pass can miss a lane that holds something.
            lock(&LANES.all).push(lane);
            lane
        });
        OwnTables::replace(*lock(&lane.words.0), *lock(&lane.latencies.0));
        Self { lane }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // First, so that a later record of this thread goes to shared cells: the lane has
        // another thread by then. The mutex of `leases` makes all that this thread stored
        // visible to the next holder, which goes on from the counts that it finds.
        OwnTables::replace(&[], &[]);
        lock(&LANES.leases).give_back(self.lane);
    }
}

impl Leases {
    /// Counts a lease, and gives it the lane that was given back last.
    fn take(&mut self) -> Option<&'static Lane> {
        self.held += 1;
        self.idle.pop()
    }

    fn give_back(&mut self, lane: &'static Lane) {
        self.held -= 1;
        self.idle.push(lane);
    }

    /// Takes the lanes that are leased next and have no cell for some slot, so that they can grow.
    ///
    /// They are out of the list meanwhile: a lane that grows must not be leased.
    fn take_short(&mut self) -> Vec<&'static Lane> {
        let next = self.idle.len().saturating_sub(READY_LANES)..;
        self.idle.extract_if(next, |lane| lane.is_short()).collect()
    }
}

/// Returns this thread's cell of a slot, if its table reaches that far.
#[inline]
pub(crate) fn cell<C: Cell>(slot: u32) -> Option<&'static C> {
    OWN.with(|own| C::own(own).get().get(slot as usize))
}

/// Returns this thread's cell of a slot, after leasing a lane and growing the table if need be.
///
/// `None` when the lanes would take more than `budget` bytes, and at the thread's end.
#[cold]
pub(crate) fn touch<C: Cell>(slot: u32, budget: usize) -> Option<&'static C> {
    let cells = LEASE.try_with(|lease| C::table(lease.lane).grow(slot, budget)).ok()??;
    OWN.with(|own| C::own(own).set(cells));
    cells.get(slot as usize)
}

/// Returns an empty block, a ready one if there is one; `None` beyond `budget` bytes.
#[cold]
pub(crate) fn take_block(budget: usize) -> Option<&'static OwnBlock> {
    LANES.spares.take_block().or_else(|| new_block(budget))
}

/// Takes back a block that nobody writes to any more.
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
        // One by one, so that a thread that comes meanwhile finds those that are done.
        lock(&LANES.leases).idle.push(lane);
    }
}

impl Lane {
    /// Returns `true` if some slot has no cell here.
    fn is_short(&self) -> bool {
        self.words.is_short() || self.latencies.is_short()
    }

    /// Grows the tables to all slots and writes to each cell; nobody may lease the lane meanwhile.
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
            // The system hands out memory when it is first written to, and a record should
            // not have to wait for that. Each cell is written with what it holds.
            cells.iter().for_each(|cell| cell.carry(cell));
        }
    }

    /// Returns the cells, after replacing them by a larger table if a slot has none yet.
    ///
    /// Only the thread that leases the lane calls it, or nobody leases it: so no record is
    /// added to a cell between its copy and the replacement. `None` beyond `budget` bytes.
    fn grow(&self, slot: u32, budget: usize) -> Option<&'static [C]> {
        let mut cells = lock(&self.0);
        if cells.len() <= slot as usize {
            // Room for every slot given out so far, so that all that is registered at
            // start-up costs a thread one growth; and twice the old table, so that what is
            // leaked stays less than what is used.
            let wanted = slots_given::<C>().max(slot + 1) as usize;
            let len = wanted.next_multiple_of(LEAST_CELLS).max(2 * cells.len());
            reserve(len * size_of::<C>(), budget)?;
            let grown: &'static [C] = (0..len).map(|_| C::default()).collect::<Vec<_>>().leak();
            for (new, old) in grown.iter().zip(*cells) {
                new.carry(old);
            }
            *cells = grown;
        }
        Some(*cells)
    }
}

/// The number of slots of a kind that were given out so far, freed ones included.
fn slots_given<C: Cell>() -> u32 {
    lock(C::slots(&LANES)).next
}

/// The cells of a lane's first table.
const LEAST_CELLS: usize = if cfg!(loom) { 1 } else { 64 };

/// Counts bytes that are about to be taken; `None` when there would be more than `budget`.
fn reserve(bytes: usize, budget: usize) -> Option<()> {
    let within = |held: usize| held.checked_add(bytes).filter(|&total| total <= budget);
    LANES.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).ok().map(drop)
}

/// Notes that shared cells are in use; call it before a record goes to one.
#[cold]
pub(crate) fn note_shared() {
    // Release pairs with the acquire in `Reader::new`. A reader that comes after the record
    // sees the note, because both happen before whatever tells the reader to come.
    LANES.shared.store(true, Ordering::Release);
}

/// The number of threads of the process that lease a lane now.
pub(crate) fn leased() -> usize {
    lock(&LANES.leases).held
}

/// The bytes that lanes hold in the whole process, replaced tables included.
pub(crate) fn bytes() -> usize {
    LANES.bytes.load(Ordering::Relaxed)
}

/// A metric's cell in every lane; dropping it clears the cells and frees the slot.
///
/// The metric's core holds it, so it drops after the last handle: no thread records into the
/// cells any more, and all that was recorded happened before.
#[derive(Debug)]
pub(crate) struct Slot<C: Cell> {
    pub(crate) index: u32,
    cell: PhantomData<C>,
}

impl<C: Cell> Slot<C> {
    /// Takes a slot that was freed, or one that was never given.
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
        // Cleared before it is freed: the next metric must find zero in each lane.
        for lane in lock(&LANES.all).iter() {
            if let Some(cell) = lock(&C::table(lane).0).get(self.index as usize) {
                cell.clear(&LANES);
            }
        }
        lock(C::slots(&LANES)).free.push(self.index);
    }
}
