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
//! Lanes have a byte budget. A thread beyond it, one that is just being torn
//! down, and any other without thread-local storage, gets `None` here and
//! records into the metric's shared cell with atomic adds.

use std::cell;
use std::marker::PhantomData;

use crate::cells::{Block, Cell, LatencyCell};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, global, lock, per_thread};

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
    all: Mutex<Vec<&'static Lane>>,
    idle: Mutex<Vec<&'static Lane>>,
    spare_blocks: Mutex<Vec<&'static Block>>,
    pub(crate) words: Mutex<Slots>,
    pub(crate) latencies: Mutex<Slots>,
    bytes: AtomicUsize,
    /// Whether any record ever went to a shared cell.
    shared: AtomicBool,
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
        let idle = lock(&LANES.idle).pop();
        let lane = idle.unwrap_or_else(|| {
            let lane: &'static Lane = Box::leak(Box::default());
            lock(&LANES.all).push(lane);
            lane
        });
        OwnTables::replace(*lock(&lane.words.0), *lock(&lane.latencies.0));
        Self { lane }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // From here on this thread has no cells of its own; the mutex of `idle`
        // hands what it stored to the next holder.
        OwnTables::replace(&[], &[]);
        lock(&LANES.idle).push(self.lane);
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
    LEASE.try_with(|lease| grow::<C>(lease.lane, slot, budget)).ok()??;
    cell(slot)
}

/// Gives a latency cell its buckets; `None` beyond `budget` bytes.
#[cold]
pub(crate) fn touch_block(cell: &LatencyCell, budget: usize) -> Option<&'static Block> {
    if let Some(block) = cell.touched() {
        return Some(block);
    }
    let spare = lock(&LANES.spare_blocks).pop();
    let block = match spare {
        Some(block) => block,
        None => {
            reserve(size_of::<Block>(), budget)?;
            Box::leak(Box::default())
        }
    };
    cell.block.store(block);
    Some(block)
}

fn grow<C: Cell>(lane: &Lane, slot: u32, budget: usize) -> Option<()> {
    let mut cells = lock(&C::table(lane).0);
    if cells.len() <= slot as usize {
        // Room for every slot given out so far, so that what is registered at
        // start-up costs a thread one growth.
        let wanted = lock(C::slots(&LANES)).next.max(slot + 1) as usize;
        let len = wanted.next_multiple_of(LEAST_CELLS).max(2 * cells.len());
        reserve(len * size_of::<C>(), budget)?;
        let grown: &'static [C] = (0..len).map(|_| C::default()).collect::<Vec<_>>().leak();
        for (new, old) in grown.iter().zip(*cells) {
            new.carry(old);
        }
        *cells = grown;
    }
    OWN.with(|own| C::own(own).set(*cells));
    Some(())
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
    // In this order: a lane is in `all` before it can be idle, and stays there.
    let idle = lock(&LANES.idle).len();
    lock(&LANES.all).len() - idle
}

/// Bytes that lanes hold in the whole process, replaced tables included.
pub(crate) fn bytes() -> usize {
    LANES.bytes.load(Ordering::Relaxed)
}

impl Lanes {
    pub(crate) fn spare_block(&self, block: &'static Block) {
        lock(&self.spare_blocks).push(block);
    }
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
