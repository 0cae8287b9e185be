//! The cells of a lane: one thread writes them, and passes read them.
//!
//! A counter or a level is one word. A latency is a sum, and a block of buckets that the
//! lane's thread made with its first record of that latency. All of them are atomics, since
//! two threads share them; with one writer each, plain loads and stores do.

use std::array;
use std::cell;
use std::ptr;

use crate::recording::lanes::{Lane, Lanes, OwnTables, Slots, Table};
use crate::recording::layout::{LATENCY_BUCKETS, PER_LINE};
use crate::recording::static_ref::StaticRef;
use crate::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use crate::sync::{Mutex, global};

/// A kind of cell, of which each lane has a table and the process a set of slots.
pub(crate) trait Cell: Default + Sync + 'static {
    /// The slots of this kind.
    fn slots(lanes: &Lanes) -> &Mutex<Slots>;
    /// A lane's table of this kind.
    fn table(lane: &Lane) -> &Table<Self>;
    /// The calling thread's way to its table of this kind.
    fn own(tables: &OwnTables) -> &cell::Cell<&'static [Self]>;

    /// Takes over what the same slot held in the table before.
    fn carry(&self, from: &Self);

    /// Empties the cell for the slot's next owner.
    fn clear(&self, lanes: &Lanes);
}

/// The part of one thread in a counter or a level.
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

/// The part of one thread in a latency: its sum, and the way to its buckets.
///
/// The sums stand close together, so that a pass over idle series reads a few cache lines,
/// four cells in each, and no block.
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
    /// Ends a record of the lane's thread, after its bucket was raised.
    #[inline]
    pub(crate) fn add(&self, added: u64) {
        let sum = self.sum.load(Ordering::Relaxed).wrapping_add(added);
        // Release pairs with the acquire in `total`: a pass that sees the new sum sees the
        // bucket too. Were it relaxed, a pass could take a sum of 7 ms without the record of
        // 7 ms, and the mean would be off until the next record.
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
            // Taken out of the cell before it may be another's.
            self.block.store(&UNTOUCHED);
            lanes.spares.give_block(block);
        }
    }
}

// The block of every cell that was never recorded into, so that a record need not ask whether
// there is one: it finds its bucket empty, which takes the rare way anyway. Nobody writes to it.
global!(static UNTOUCHED: OwnBlock);

/// The buckets of one latency, cumulative.
#[derive(Debug)]
#[repr(C, align(64))] // a line of buckets is to be one of the cache
pub(crate) struct Block<B> {
    pub(crate) buckets: [B; LATENCY_BUCKETS],
    /// A bit for each line of buckets that ever held something, so that readers skip the others.
    touched: [AtomicU64; LINE_WORDS],
}

/// The block of one lane, as narrow as can be, since a pass reads all that threads wrote.
pub(crate) type OwnBlock = Block<AtomicU16>;
/// The block of threads without a lane, and of counts that filled up elsewhere.
pub(crate) type SharedBlock = Block<AtomicU64>;

/// The number of lines in a block.
pub(crate) const LINES: usize = LATENCY_BUCKETS / PER_LINE;
/// The number of words that have a bit for each line.
pub(crate) const LINE_WORDS: usize = LINES.div_ceil(64);

impl<B: Default> Default for Block<B> {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| B::default()),
            touched: array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl<B> Block<B> {
    /// Marks the line of a bucket before its first value is counted.
    pub(crate) fn touch(&self, bucket: usize) {
        let line = bucket / PER_LINE;
        let (lines, bit) = (&self.touched[line / 64], 1 << (line % 64));
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
        self.touched[line / 64].load(Ordering::Relaxed) & 1 << (line % 64) != 0
    }

    /// Returns the lines that hold something, by rising number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = usize> {
        ones(self.touched.each_ref().map(|lines| lines.load(Ordering::Relaxed)))
    }
}

impl SharedBlock {
    /// Counts values of one bucket.
    pub(crate) fn add(&self, bucket: usize, n: u64) {
        self.buckets[bucket].fetch_add(n, Ordering::Relaxed);
        self.touch(bucket); // each thread for itself
    }
}

impl OwnBlock {
    /// Asks for the lines that hold something, so that they are near when they are added up.
    ///
    /// They come from the caches of the cores that recorded, some 100 ns each. Asked for all
    /// at once, these waits overlap.
    pub(crate) fn fetch(&self) {
        // One load of each line is enough to ask for it. The sum keeps the compiler from
        // leaving the loads out.
        let first = |line: usize| self.buckets[line * PER_LINE].load(Ordering::Relaxed);
        std::hint::black_box(self.lines().map(first).fold(0, u16::wrapping_add));
    }

    /// Empties the block; nobody writes to it meanwhile.
    pub(crate) fn clear(&self) {
        self.touched.iter().for_each(|lines| lines.store(0, Ordering::Relaxed));
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
