//! The cells of a lane: one thread writes them, and passes read them.
//!
//! The cell of a counter or a level is one word. The cell of a latency is a sum and a block of
//! buckets, which the lane's thread creates at its first record of that latency. All are
//! atomics, since the thread writes them while a pass reads. As each has a single writer, loads
//! and stores suffice, without atomic read-modify-writes.

use std::array;
use std::cell;
use std::ptr;

use crate::recording::lanes::{Lane, Lanes, OwnTables, Slots, Table};
use crate::recording::layout::{LATENCY_BUCKETS, PER_LINE, THIN, THIN_BUCKETS};
use crate::recording::line::fetch;
use crate::recording::static_ref::StaticRef;
use crate::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use crate::sync::{Mutex, global};

/// A kind of cell, of which each lane has a table and the process a set of slots.
pub(crate) trait Cell: Default + Sync + 'static {
    /// The slots of this kind.
    fn slots(lanes: &Lanes) -> &Mutex<Slots>;
    /// A lane's table of this kind.
    fn table(lane: &Lane) -> &Table<Self>;
    /// The calling thread's table of this kind.
    fn own(tables: &OwnTables) -> &cell::Cell<&'static [Self]>;

    /// Copies the value of the same slot in the old table.
    fn carry(&self, from: &Self);

    /// Empties the cell for the slot's next owner.
    fn clear(&self, lanes: &Lanes);
}

/// One lane's part of a counter or a level.
impl Cell for AtomicU64 {
    fn slots(lanes: &Lanes) -> &Mutex<Slots> {
        &lanes.words
    }

    fn table(lane: &Lane) -> &Table<Self> {
        &lane.words
    }

    fn own(tables: &OwnTables) -> &cell::Cell<&'static [Self]> {
        &tables.words
    }

    fn carry(&self, from: &Self) {
        self.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn clear(&self, _lanes: &Lanes) {
        self.store(0, Ordering::Relaxed);
    }
}

/// One lane's part of a latency: its sum, and a reference to its buckets.
///
/// The sums are close together in memory: a pass over idle series reads one cache line for
/// four cells, and no block.
#[derive(Debug)]
pub(crate) struct LatencyCell {
    /// The sum of what the records added, see [`latency_index`](crate::recording::layout::latency_index).
    ///
    /// It changes with each record, so it is also the mark by which a pass sees a change.
    sum: AtomicU64,
    /// [`UNTOUCHED`] until the first record.
    pub(crate) block: StaticRef<OwnBlock>,
}

impl Default for LatencyCell {
    fn default() -> Self {
        Self { sum: AtomicU64::new(0), block: StaticRef::new(&UNTOUCHED) }
    }
}

impl LatencyCell {
    /// Adds to the sum, which ends a record; its bucket was incremented before.
    #[inline]
    pub(crate) fn add(&self, added: u64) {
        let sum = self.sum.load(Ordering::Relaxed).wrapping_add(added);
        // Release pairs with the acquire in `total`: a pass that sees the new sum sees the
        // bucket too. With a relaxed store, a pass could read a sum that includes 7 ms and no
        // bucket for it, and the mean would be wrong until the next record.
        self.sum.store(sum, Ordering::Release);
    }

    /// Returns the sum, for a pass that reads the buckets next.
    pub(crate) fn total(&self) -> u64 {
        // Pairs with the release in `add`.
        self.sum.load(Ordering::Acquire)
    }

    /// Returns the cell's own block, if a record made one.
    pub(crate) fn touched(&self) -> Option<&'static OwnBlock> {
        let block = self.block.load();
        let untouched: &OwnBlock = &UNTOUCHED;
        (!ptr::eq(block, untouched)).then_some(block)
    }
}

impl Cell for LatencyCell {
    fn slots(lanes: &Lanes) -> &Mutex<Slots> {
        &lanes.latencies
    }

    fn table(lane: &Lane) -> &Table<Self> {
        &lane.latencies
    }

    fn own(tables: &OwnTables) -> &cell::Cell<&'static [Self]> {
        &tables.latencies
    }

    fn carry(&self, from: &Self) {
        self.sum.store(from.sum.load(Ordering::Relaxed), Ordering::Relaxed);
        self.block.store(from.block.load());
    }

    fn clear(&self, lanes: &Lanes) {
        self.sum.store(0, Ordering::Relaxed);
        if let Some(block) = self.touched() {
            // Removed from the cell before another cell can get it.
            self.block.store(&UNTOUCHED);
            lanes.spares.give_block(block);
        }
    }
}

// The block of every cell without records, so that a record need not check for a block. It
// finds its bucket empty, which leads to the slow path anyway. Nothing is written to this block.
global!(static UNTOUCHED: OwnBlock);

/// The buckets of one latency, cumulative.
#[derive(Debug)]
#[repr(C, align(64))] // a line of buckets is to be one of the cache
pub(crate) struct Block<B> {
    touched: Touched,
    pub(crate) buckets: [B; LATENCY_BUCKETS],
}

/// A bit for each line of buckets that was ever recorded into, so that readers skip the others.
///
/// It is in a cache line of its own before the buckets. Behind them it would mostly be in
/// another page of memory than the lines in use, and a pass would have to look up both.
#[derive(Debug)]
#[repr(align(64))]
struct Touched([AtomicU64; LINE_WORDS]);

/// The block of one lane; its buckets are narrow, since a pass reads the blocks of all lanes.
pub(crate) type OwnBlock = Block<AtomicU16>;
/// The block of threads without a lane, and of counts that overflowed elsewhere.
pub(crate) type SharedBlock = Block<AtomicU64>;

/// The number of lines in a block.
pub(crate) const LINES: usize = LATENCY_BUCKETS / PER_LINE;
/// The number of words that have a bit for each line.
pub(crate) const LINE_WORDS: usize = LINES.div_ceil(64);

impl<B: Default> Default for Block<B> {
    fn default() -> Self {
        Self {
            touched: Touched(array::from_fn(|_| AtomicU64::new(0))),
            buckets: array::from_fn(|_| B::default()),
        }
    }
}

impl<B> Block<B> {
    /// Marks the line of a bucket before its first value is counted.
    pub(crate) fn touch(&self, bucket: usize) {
        let line = bucket / PER_LINE;
        let (lines, bit) = (&self.touched.0[line / 64], 1 << (line % 64));
        // Threads that share a block may both find the bit unset, and both set it.
        if lines.load(Ordering::Relaxed) & bit == 0 {
            lines.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Returns the buckets of a line.
    #[inline]
    pub(crate) fn line(&self, line: usize) -> &[B; PER_LINE] {
        &self.buckets.as_chunks().0[line]
    }

    /// Returns `true` if a line holds something.
    pub(crate) fn has(&self, line: usize) -> bool {
        self.touched.0[line / 64].load(Ordering::Relaxed) & 1 << (line % 64) != 0
    }

    /// Returns the lines that hold something, by rising number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = usize> {
        ones(self.touched.0.each_ref().map(|lines| lines.load(Ordering::Relaxed)))
    }
}

impl SharedBlock {
    /// Counts values of one bucket.
    pub(crate) fn add(&self, bucket: usize, n: u64) {
        self.buckets[bucket].fetch_add(n, Ordering::Relaxed);
        self.touch(bucket); // each thread for itself
    }
}

/// The thin buckets of threads without a lane, for a series that the budget has no room for.
///
/// They take an eighth of a [`SharedBlock`], and values in them are less exact.
#[derive(Debug)]
pub(crate) struct ThinBlock([AtomicU64; THIN_BUCKETS]);

impl Default for ThinBlock {
    fn default() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl ThinBlock {
    /// Counts a value of a bucket.
    pub(crate) fn add(&self, bucket: usize) {
        self.0[bucket / THIN].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts, by rising bucket.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed))
    }
}

impl OwnBlock {
    /// Fetches what tells which lines hold something, for [`Self::fetch_lines`].
    pub(crate) fn fetch(&self) {
        fetch(&self.touched);
    }

    /// Fetches the lines that hold something.
    pub(crate) fn fetch_lines(&self) {
        self.lines().for_each(|line| fetch(self.line(line)));
    }

    /// Empties the block, which has no writer meanwhile.
    pub(crate) fn clear(&self) {
        self.touched.0.iter().for_each(|lines| lines.store(0, Ordering::Relaxed));
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
    }
}

/// Returns the numbers of the bits that are set, rising.
pub(crate) fn ones(words: [u64; LINE_WORDS]) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(word, mut rest)| {
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            // Takes the lowest bit off: 0b1100 & 0b1011 is 0b1000.
            rest &= rest.wrapping_sub(1);
            (bit < 64).then_some(word * 64 + bit)
        })
    })
}
