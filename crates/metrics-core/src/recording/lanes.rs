//! Lanes: the cells that a thread records into, alone.
//!
//! A thread that records leases a lane, and gives it back when it ends; the
//! next thread goes on in the same cells. So a record is a plain load, add and
//! store that no other thread contends for, nothing is folded or zeroed at a
//! thread's end, and memory is that of the most threads ever alive at once.
//!
//! A lane has a table for each kind of cell, indexed by a slot that a metric
//! owns in all lanes. Tables are dense, so that a sampling pass finds what
//! changed by running over a few cache lines, and process-wide: registries
//! share the slots.
//!
//! Tables grow by being replaced. The old one is leaked, not freed, because a
//! reader may stand in it; each is at least twice the one before, so what is
//! leaked never exceeds what is in use.
//!
//! What a thread is given first it should not have to make: whoever ticks keeps
//! some [ready](crate::recording::spares).
//!
//! Lanes have a byte budget. A thread beyond it, one that is just being torn
//! down, and any other without thread-local storage, gets `None` here and
//! records into the metric's shared cell with atomic adds.

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
    /// Those that were ever leased.
    all: Mutex<Vec<&'static Lane>>,
    leases: Mutex<Leases>,
    pub(crate) spares: Spares,
    pub(crate) words: Mutex<Slots>,
    pub(crate) latencies: Mutex<Slots>,
    bytes: AtomicUsize,
    /// Whether any record ever went to a shared cell.
    shared: AtomicBool,
}

/// Who has a lane.
#[derive(Debug, Default)]
struct Leases {
    /// How many threads do.
    held: usize,
    /// The lanes that were given back.
    idle: Vec<&'static Lane>,
}

/// Which slots of one kind of cell are taken.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    free: Vec<u32>,
    next: u32,
}

global!(static LANES: Lanes);

per_thread! {
    /// This thread's tables, empty before its lease and after; without a destructor, so always there.
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
    fn replace(words: &'static [AtomicU64], latencies: &'static [LatencyCell]) {
        // Gone only where a model's thread ends, and then nobody records.
        let _ = OWN.try_with(|own| {
            own.words.set(words);
            own.latencies.set(latencies);
        });
    }
}

struct Lease {
    lane: &'static Lane,
}

impl Lease {
    fn new() -> Self {
        let idle = lock(&LANES.leases).take();
        let lane = idle.unwrap_or_else(|| {
            let lane = LANES.spares.take_lane().unwrap_or_else(|| Box::leak(Box::default()));
            lock(&LANES.all).push(lane);
            lane
        });
        OwnTables::replace(*lock(&lane.words.0), *lock(&lane.latencies.0));
        Self { lane }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // From here on this thread has no cells of its own; the mutex of `leases`
        // hands what it stored to the next holder.
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

    /// Takes out those of the lanes next in turn that a series came for since they grew.
    fn take_short(&mut self) -> Vec<&'static Lane> {
        let next = self.idle.len().saturating_sub(READY_LANES)..;
        self.idle.extract_if(next, |lane| lane.is_short()).collect()
    }
}

/// This thread's cell of a slot, if it has touched it before.
#[inline]
pub(crate) fn cell<C: Cell>(slot: u32) -> Option<&'static C> {
    OWN.with(|own| C::own(own).get().get(slot as usize))
}

/// This thread's cell of a slot, made if need be; `None` beyond `budget` bytes or at the thread's end.
#[cold]
pub(crate) fn touch<C: Cell>(slot: u32, budget: usize) -> Option<&'static C> {
    let cells = LEASE.try_with(|lease| C::table(lease.lane).grow(slot, budget)).ok()??;
    OWN.with(|own| C::own(own).set(cells));
    cells.get(slot as usize)
}

/// An empty block, ready or made; `None` beyond `budget` bytes.
#[cold]
pub(crate) fn take_block(budget: usize) -> Option<&'static OwnBlock> {
    LANES.spares.take_block().or_else(|| new_block(budget))
}

/// Takes back a block that nobody writes to any more.
pub(crate) fn give_block(block: &'static OwnBlock) {
    LANES.spares.give_block(block);
}

/// A new block; `None` beyond `budget` bytes.
pub(crate) fn new_block(budget: usize) -> Option<&'static OwnBlock> {
    reserve(size_of::<OwnBlock>(), budget)?;
    Some(Box::leak(Box::default()))
}

/// Has room ready for threads that record for the first time, within `budget` bytes.
pub(crate) fn prepare(budget: usize) {
    LANES.spares.fill_up(budget);
    let short = lock(&LANES.leases).take_short();
    for lane in short {
        lane.prepare(budget);
        lock(&LANES.leases).idle.push(lane);
    }
}

impl Lane {
    /// Whether it has no cell of some slot.
    fn is_short(&self) -> bool {
        self.words.is_short() || self.latencies.is_short()
    }

    /// Gives it a cell of every slot, each written to; nobody may lease it.
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
            // New memory is not there until it is written to.
            cells.iter().for_each(|cell| cell.carry(cell));
        }
    }

    /// The cells, with that of a slot; `None` beyond `budget` bytes.
    fn grow(&self, slot: u32, budget: usize) -> Option<&'static [C]> {
        let mut cells = lock(&self.0);
        if cells.len() <= slot as usize {
            // Room for every slot given out so far, so that what is registered at
            // start-up costs a thread one growth.
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

/// How many slots of a kind were given out so far, freed ones included.
fn slots_given<C: Cell>() -> u32 {
    lock(C::slots(&LANES)).next
}

/// The cells of a lane's first table.
const LEAST_CELLS: usize = if cfg!(loom) { 1 } else { 64 };

fn reserve(bytes: usize, budget: usize) -> Option<()> {
    let within = |held: usize| held.checked_add(bytes).filter(|&total| total <= budget);
    LANES.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).ok().map(drop)
}

/// Says that a record goes to a shared cell, before it does.
#[cold]
pub(crate) fn note_shared() {
    LANES.shared.store(true, Ordering::Release);
}

/// How many threads of the process lease a lane now.
pub(crate) fn leased() -> usize {
    lock(&LANES.leases).held
}

/// Bytes that lanes hold in the whole process, replaced tables included.
pub(crate) fn bytes() -> usize {
    LANES.bytes.load(Ordering::Relaxed)
}

/// A cell in every lane, cleared and given back on drop.
///
/// Whoever drops it is the last to hold the metric, so no thread records into
/// the cells any more, and what was recorded happened before.
#[derive(Debug)]
pub(crate) struct Slot<C: Cell> {
    pub(crate) index: u32,
    cell: PhantomData<C>,
}

impl<C: Cell> Slot<C> {
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
        for lane in lock(&LANES.all).iter() {
            if let Some(cell) = lock(&C::table(lane).0).get(self.index as usize) {
                cell.clear(&LANES);
            }
        }
        lock(C::slots(&LANES)).free.push(self.index);
    }
}
