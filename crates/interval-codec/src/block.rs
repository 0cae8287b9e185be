//! Blocks: some dozens of consecutive intervals of one series, compressed.
//!
//! One block of a series and tier is open: each interval that ends is appended to its bytes at once,
//! so that no interval waits uncompressed. When it is full it is sealed, and a new one begins. A
//! block needs no other to be read. The summaries of all intervals lie before the rest of them, so a
//! reader who needs no more does not touch that. A reader takes a copy of the open block, which it seals
//! itself, and shares the others.

use std::sync::Arc;

use crate::column::Column;
use crate::range_coder::{Bit, Decoder, Encoder};
use crate::row::{Coder, Model, Row};

/// A block that no longer changes; cloning shares its bytes.
#[derive(Clone, Debug)]
pub struct Block {
    first: u64,
    last: u64,
    /// The number of rows; two rows may be of one interval.
    rows: u32,
    /// The length of the summaries, which come first.
    summaries: u32,
    bytes: Arc<[u8]>,
}

/// The part of each interval that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The summary of [`Counts`](crate::Counts), without the counts; all of [`Numbers`](crate::Numbers).
    Summary,
    /// Everything.
    All,
}

/// A block to which intervals are appended.
#[derive(Clone, Debug)]
pub struct OpenBlock<R: Row> {
    first: u64,
    last: u64,
    rows: u32,
    intervals: Steps,
    model: R::Model,
    summaries: Encoder,
    rests: Encoder,
}

/// The distances of successive intervals, which are mostly one.
#[derive(Clone, Debug, Default)]
struct Steps {
    is_next: Bit,
    distance: Column,
}

impl Steps {
    fn code<C: Coder>(&mut self, distance: u64, coder: &mut C) -> u64 {
        if coder.bit(&mut self.is_next, distance == 1) {
            return 1;
        }
        self.distance.code(distance as f64, coder) as u64
    }
}

impl<R: Row> OpenBlock<R> {
    /// Starts a block with an interval.
    pub fn new(interval: u64) -> Self {
        Self {
            first: interval,
            last: interval,
            rows: 0,
            intervals: Steps::default(),
            model: R::Model::default(),
            summaries: Encoder::default(),
            rests: Encoder::default(),
        }
    }

    /// Appends an interval, which must not be before the last one, and makes the summary of its row.
    pub fn push(&mut self, interval: u64, row: &mut R) {
        if self.rows > 0 {
            self.intervals.code(interval.saturating_sub(self.last), &mut self.summaries);
        }
        row.summarize();
        self.model.code_summary(row, &mut self.summaries);
        self.model.code_rest(row, &mut self.rests);
        self.last = interval;
        self.rows += 1;
    }

    /// The number of the first interval.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Ends the block.
    pub fn seal(self) -> Block {
        let Self { first, last, rows, summaries, rests, .. } = self;
        Block::new(first, last, rows, [summaries, rests])
    }

    /// Returns a sealed copy of the intervals so far.
    pub fn copy(&self) -> Block {
        let encoders = [self.summaries.clone(), self.rests.clone()];
        Block::new(self.first, self.last, self.rows, encoders)
    }

    /// The number of rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.model.heap_bytes() + self.summaries.heap_bytes() + self.rests.heap_bytes()
    }

    /// The bytes of the intervals themselves.
    pub fn data_bytes(&self) -> usize {
        self.summaries.written() + self.rests.written()
    }
}

impl Block {
    fn new(first: u64, last: u64, rows: u32, encoders: [Encoder; 2]) -> Self {
        let [summaries, rests] = encoders.map(Encoder::finish);
        let bytes = [&*summaries, &*rests].concat().into();
        Self { first, last, rows, summaries: summaries.len() as u32, bytes }
    }

    /// The number of the first interval.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of the last interval.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Reads all intervals, in order, which were pushed as rows of this type.
    pub fn read<R: Row>(&self, depth: Depth, mut visit: impl FnMut(u64, &R)) {
        let (summaries, rests) = self.bytes.split_at(self.summaries as usize);
        let [mut summaries, mut rests] = [summaries, rests].map(Decoder::new);
        let (mut steps, mut model, mut row) = (Steps::default(), R::Model::default(), R::default());
        let mut interval = self.first;
        for at in 0..self.rows {
            if at > 0 {
                interval += steps.code(0, &mut summaries);
            }
            model.code_summary(&mut row, &mut summaries);
            if depth == Depth::All {
                model.code_rest(&mut row, &mut rests);
            }
            visit(interval, &row);
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The bytes held on the heap: those of the intervals, and the two counts of an `Arc`.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.len() + 2 * size_of::<usize>()
    }

    /// The bytes of the intervals themselves.
    pub fn data_bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests;
