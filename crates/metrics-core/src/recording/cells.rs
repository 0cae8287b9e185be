//! What a lane is made of: the cells that one thread writes and passes read.

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
    fn slots(lanes: &Lanes) -> &Mutex<Slots>;
    fn table(lane: &Lane) -> &Table<Self>;
    fn own(tables: &OwnTables) -> &cell::Cell<&'static [Self]>;

    /// Takes over what the same slot held in the table before.
    fn carry(&self, from: &Self);

    /// Empties the cell for the slot's next owner.
    fn clear(&self, lanes: &Lanes);
}

/// A counter or a level.
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

/// A latency: its sum beside the way to its buckets.
///
/// The sums stand close together, so that a pass over idle series reads a few
/// cache lines and no block.
#[derive(Debug)]
pub(crate) struct LatencyCell {
    /// The sum of what the records added, see [`latency_index`](crate::recording::layout::latency_index):
    /// it changes with each of them, so it is also the mark of a change.
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
    /// Ends a record of the lane's thread.
    ///
    /// Release pairs with the acquire in [`LatencyCell::total`]: who sees that the
    /// sum changed sees the bucket too.
    #[inline]
    pub(crate) fn add(&self, added: u64) {
        let sum = self.sum.load(Ordering::Relaxed).wrapping_add(added);
        self.sum.store(sum, Ordering::Release);
    }

    /// The sum, for a reader.
    pub(crate) fn total(&self) -> u64 {
        self.sum.load(Ordering::Acquire)
    }

    /// The cell's own block, if a record made one.
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
            self.block.store(&UNTOUCHED);
            lanes.spares.give_block(block);
        }
    }
}

// Stands in for the buckets of every cell that was never recorded into, so that
// a record need not ask: it finds its bucket empty, and that is rare anyway.
// Nobody writes to it.
global!(static UNTOUCHED: OwnBlock);

/// The buckets of one latency, cumulative.
#[derive(Debug)]
#[repr(C, align(64))] // a line of buckets is to be one of the cache
pub(crate) struct Block<B> {
    pub(crate) buckets: [B; LATENCY_BUCKETS],
    /// A bit for each line of buckets that ever held something, so that readers
    /// copy no others.
    touched: [AtomicU64; LINE_WORDS],
}

/// Those of one lane: as narrow as can be, since a pass reads all that threads wrote.
pub(crate) type OwnBlock = Block<AtomicU16>;
/// Those of threads without a lane, and what filled up in those of a lane.
pub(crate) type SharedBlock = Block<AtomicU64>;

/// The lines of a block.
pub(crate) const LINES: usize = LATENCY_BUCKETS / PER_LINE;
/// The words of a bit for each line.
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
        // Threads that share a block race for the mark; each sees to its own.
        if lines.load(Ordering::Relaxed) & bit == 0 {
            lines.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The buckets of a line.
    #[inline]
    pub(crate) fn line(&self, line: usize) -> &[B; PER_LINE] {
        &self.buckets.as_chunks().0[line]
    }

    /// Whether a line holds something.
    pub(crate) fn has(&self, line: usize) -> bool {
        self.touched[line / 64].load(Ordering::Relaxed) & 1 << (line % 64) != 0
    }

    /// The lines that hold something.
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
    /// Has the lines that hold something on their way before they are added up.
    ///
    /// They come from the caches of the cores that recorded: one after the other
    /// they would be waited for, all at once they overlap.
    pub(crate) fn fetch(&self) {
        let first = |line: usize| self.buckets[line * PER_LINE].load(Ordering::Relaxed);
        std::hint::black_box(self.lines().map(first).fold(0, u16::wrapping_add));
    }

    pub(crate) fn clear(&self) {
        self.touched.iter().for_each(|lines| lines.store(0, Ordering::Relaxed));
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
    }
}

/// The numbers of the bits that are set, rising.
pub(crate) fn ones(words: [u64; LINE_WORDS]) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(word, mut rest)| {
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (bit < 64).then_some(word * 64 + bit)
        })
    })
}
