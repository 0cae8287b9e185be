//! Lanes: the cells that a thread records into, alone.
//!
//! A thread that records leases a lane, and gives it back when it ends; the
//! next thread goes on in the same cells. So a record is a plain load, add and
//! store that no other thread contends for, nothing is folded or zeroed at a
//! thread's end, and memory is that of the most threads ever alive at once.
//!
//! A lane has two tables, indexed by slots that a metric owns in all lanes:
//! *words*, one `u64` each (a counter, an up-down level, the sum of a latency),
//! dense, so that a sampling pass finds what changed by running over a few
//! cache lines; and *blocks*, the buckets of one latency each, made at the
//! thread's first touch. Both are process-wide: registries share the slots.
//!
//! Tables grow by being replaced. The old one is leaked, not freed, because a
//! reader may stand in it; each is at least twice the one before, so what is
//! leaked never exceeds what is in use.
//!
//! Lanes have a byte budget. A thread beyond it, one that is just being torn
//! down, and any other without thread-local storage, gets `None` here and
//! records into the metric's shared cell with atomic adds.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::buckets::{LATENCY_OCTAVES, PER_OCTAVE};
use crate::static_ref::StaticRef;
use crate::sync::lock;

type Words = &'static [AtomicU64];
type Blocks = &'static [StaticRef<Block>];

/// The buckets of one latency in one lane, cumulative.
#[derive(Debug)]
pub(crate) struct Block {
    /// A bit for each octave that ever held something, so that readers copy no others.
    pub(crate) octaves: AtomicU64,
    pub(crate) buckets: [AtomicU32; LATENCY_OCTAVES * PER_OCTAVE],
}

impl Block {
    pub(crate) const fn new() -> Self {
        Self {
            octaves: AtomicU64::new(0),
            buckets: [const { AtomicU32::new(0) }; LATENCY_OCTAVES * PER_OCTAVE],
        }
    }

    fn clear(&self) {
        self.octaves.store(0, Ordering::Relaxed);
        for bucket in &self.buckets {
            bucket.store(0, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct Lane {
    words: Mutex<Words>,
    blocks: Mutex<Blocks>,
}

#[derive(Debug)]
struct Lanes {
    all: Mutex<Vec<&'static Lane>>,
    idle: Mutex<Vec<&'static Lane>>,
    spare_blocks: Mutex<Vec<&'static Block>>,
    word_slots: Mutex<Slots>,
    block_slots: Mutex<Slots>,
    bytes: AtomicUsize,
}

static LANES: Lanes = Lanes {
    all: Mutex::new(Vec::new()),
    idle: Mutex::new(Vec::new()),
    spare_blocks: Mutex::new(Vec::new()),
    word_slots: Mutex::new(Slots::new()),
    block_slots: Mutex::new(Slots::new()),
    bytes: AtomicUsize::new(0),
};

thread_local! {
    /// This thread's tables, empty before its lease and after; without a destructor, so always there.
    static TABLES: Tables = const { Tables { words: Cell::new(&[]), blocks: Cell::new(&[]) } };
    /// The lease itself, whose destructor gives the lane back.
    static LEASE: Lease = Lease::new();
}

struct Tables {
    words: Cell<Words>,
    blocks: Cell<Blocks>,
}

struct Lease {
    lane: &'static Lane,
}

impl Lease {
    fn new() -> Self {
        let idle = lock(&LANES.idle).pop();
        let lane = idle.unwrap_or_else(|| {
            let lane: &'static Lane =
                Box::leak(Box::new(Lane { words: Mutex::new(&[]), blocks: Mutex::new(&[]) }));
            lock(&LANES.all).push(lane);
            lane
        });
        TABLES.with(|tables| {
            tables.words.set(*lock(&lane.words));
            tables.blocks.set(*lock(&lane.blocks));
        });
        Self { lane }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // From here on this thread has no cells of its own; the mutex of `idle`
        // hands what it stored to the next holder.
        TABLES.with(|tables| {
            tables.words.set(&[]);
            tables.blocks.set(&[]);
        });
        lock(&LANES.idle).push(self.lane);
    }
}

/// This thread's word of a slot, if it has touched it before.
#[inline]
pub(crate) fn word(slot: u32) -> Option<&'static AtomicU64> {
    TABLES.with(|tables| tables.words.get().get(slot as usize))
}

/// This thread's block of a slot, if it has touched it before.
#[inline]
pub(crate) fn block(slot: u32) -> Option<&'static Block> {
    TABLES.with(|tables| tables.blocks.get().get(slot as usize)).and_then(StaticRef::load)
}

/// This thread's word of a slot, made if need be; `None` beyond `budget` bytes or at the thread's end.
#[cold]
pub(crate) fn touch_word(slot: u32, budget: usize) -> Option<&'static AtomicU64> {
    LEASE.try_with(|lease| grow_words(lease.lane, slot, budget)).ok()??;
    word(slot)
}

/// This thread's block of a slot, made if need be; `None` beyond `budget` bytes or at the thread's end.
#[cold]
pub(crate) fn touch_block(slot: u32, budget: usize) -> Option<&'static Block> {
    LEASE.try_with(|lease| grow_blocks(lease.lane, slot, budget)).ok()??;
    if let Some(block) = block(slot) {
        return Some(block);
    }
    let spare = lock(&LANES.spare_blocks).pop();
    let block = match spare {
        Some(block) => block,
        None => {
            reserve(size_of::<Block>(), budget)?;
            Box::leak(Box::new(Block::new()))
        }
    };
    TABLES.with(|tables| {
        if let Some(slot) = tables.blocks.get().get(slot as usize) {
            slot.store(Some(block));
        }
    });
    Some(block)
}

fn grow_words(lane: &Lane, slot: u32, budget: usize) -> Option<()> {
    let mut words = lock(&lane.words);
    if words.len() <= slot as usize {
        let len = table_len(&LANES.word_slots, slot);
        reserve(len * size_of::<AtomicU64>(), budget)?;
        let old: Words = *words;
        let copy = |i| old.get(i).map_or(0, |word: &AtomicU64| word.load(Ordering::Relaxed));
        *words = (0..len).map(|i| AtomicU64::new(copy(i))).collect::<Vec<_>>().leak();
    }
    TABLES.with(|tables| tables.words.set(*words));
    Some(())
}

fn grow_blocks(lane: &Lane, slot: u32, budget: usize) -> Option<()> {
    let mut blocks = lock(&lane.blocks);
    if blocks.len() <= slot as usize {
        let len = table_len(&LANES.block_slots, slot);
        reserve(len * size_of::<StaticRef<Block>>(), budget)?;
        let grown: Vec<_> = (0..len).map(|_| StaticRef::empty()).collect();
        for (new, old) in grown.iter().zip(*blocks) {
            new.store(old.load());
        }
        *blocks = grown.leak();
    }
    TABLES.with(|tables| tables.blocks.set(*blocks));
    Some(())
}

/// Room for every slot given out so far, so that start-up registration costs a thread one growth.
fn table_len(slots: &Mutex<Slots>, slot: u32) -> usize {
    (lock(slots).next.max(slot + 1) as usize).next_power_of_two().max(64)
}

fn reserve(bytes: usize, budget: usize) -> Option<()> {
    let within = |held: usize| held.checked_add(bytes).filter(|&total| total <= budget);
    LANES.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).ok().map(drop)
}

/// Bytes that lanes hold in the whole process, replaced tables included.
pub(crate) fn bytes() -> usize {
    LANES.bytes.load(Ordering::Relaxed)
}

#[derive(Debug)]
struct Slots {
    free: Vec<u32>,
    next: u32,
}

impl Slots {
    const fn new() -> Self {
        Self { free: Vec::new(), next: 0 }
    }

    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// A word in every lane, zeroed and given back on drop.
///
/// Whoever drops it is the last to hold the metric, so no thread records into
/// the words any more, and what was recorded happened before.
#[derive(Debug)]
pub(crate) struct WordSlot(pub(crate) u32);

impl WordSlot {
    pub(crate) fn take() -> Self {
        Self(lock(&LANES.word_slots).take())
    }
}

impl Drop for WordSlot {
    fn drop(&mut self) {
        for lane in lock(&LANES.all).iter() {
            if let Some(word) = lock(&lane.words).get(self.0 as usize) {
                word.store(0, Ordering::Relaxed);
            }
        }
        lock(&LANES.word_slots).free.push(self.0);
    }
}

/// A block in each lane that touched it, cleared and given back on drop; see [`WordSlot`].
#[derive(Debug)]
pub(crate) struct BlockSlot(pub(crate) u32);

impl BlockSlot {
    pub(crate) fn take() -> Self {
        Self(lock(&LANES.block_slots).take())
    }
}

impl Drop for BlockSlot {
    fn drop(&mut self) {
        for lane in lock(&LANES.all).iter() {
            let blocks = lock(&lane.blocks);
            let Some(slot) = blocks.get(self.0 as usize) else {
                continue;
            };
            if let Some(block) = slot.load() {
                slot.store(None);
                block.clear();
                lock(&LANES.spare_blocks).push(block);
            }
        }
        lock(&LANES.block_slots).free.push(self.0);
    }
}

/// The tables of all lanes, for one pass over the cells.
pub(crate) struct Reader {
    lanes: Vec<(Words, Blocks)>,
}

impl Reader {
    /// Takes the tables as they are now; cells touched first after this are seen by the next reader.
    pub(crate) fn new() -> Self {
        let all = lock(&LANES.all);
        Self { lanes: all.iter().map(|lane| (*lock(&lane.words), *lock(&lane.blocks))).collect() }
    }

    /// The wrapping sum of a slot over all lanes.
    ///
    /// Acquire pairs with the release that ends a latency record: whoever sees
    /// the sum sees the buckets that belong to it.
    pub(crate) fn sum(&self, slot: u32) -> u64 {
        let words = self.lanes.iter().filter_map(|(words, _)| words.get(slot as usize));
        words.fold(0, |sum, word| sum.wrapping_add(word.load(Ordering::Acquire)))
    }

    /// The blocks of a slot in all lanes.
    pub(crate) fn blocks(&self, slot: u32) -> impl Iterator<Item = &'static Block> + '_ {
        let slots = self.lanes.iter().filter_map(move |(_, blocks)| blocks.get(slot as usize));
        slots.filter_map(StaticRef::load)
    }
}
