//! Blocks: some dozens of consecutive intervals of one series, compressed.
//!
//! One block of a series and tier is open: each interval that ends is appended to its bytes at once,
//! so that no interval waits uncompressed. When it is full it is sealed, and a new one begins. A
//! block needs no other to be read. The summaries of all intervals lie before the rest of them, so a
//! reader who needs no more does not touch that. A reader takes a copy of the open block, which it seals
//! itself, and shares the others.

use std::sync::Arc;

use crate::codec::column::Column;
use crate::codec::range_coder::{Bit, Decoder, Encoder};
use crate::codec::{Coder, Model, Row};

/// A block that no longer changes; cloning shares its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// The number of the first interval.
    pub(crate) first: u64,
    /// The number of the last interval.
    pub(crate) last: u64,
    /// The number of rows; two rows may be of one interval.
    rows: u32,
    /// The length of the summaries, which come first.
    summaries: u32,
    bytes: Arc<[u8]>,
}

/// How much of each interval is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    Summary,
    All,
}

/// The block to which intervals are appended.
#[derive(Clone, Debug)]
pub(crate) struct Open<M> {
    first: u64,
    last: u64,
    rows: u32,
    intervals: Steps,
    model: M,
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

impl<M: Model> Open<M> {
    /// Starts a block with an interval.
    pub(crate) fn new(interval: u64) -> Self {
        Self {
            first: interval,
            last: interval,
            rows: 0,
            intervals: Steps::default(),
            model: M::default(),
            summaries: Encoder::default(),
            rests: Encoder::default(),
        }
    }

    /// Appends an interval, which must not be before the last one.
    pub(crate) fn push(&mut self, interval: u64, row: &mut M::Row) {
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
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn seal(self) -> Sealed {
        let Self { first, last, rows, summaries, rests, .. } = self;
        Sealed::new(first, last, rows, [summaries, rests])
    }

    /// Returns a sealed copy of the intervals so far.
    pub(crate) fn copy(&self) -> Sealed {
        let encoders = [self.summaries.clone(), self.rests.clone()];
        Sealed::new(self.first, self.last, self.rows, encoders)
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// The bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.model.heap_bytes() + self.summaries.heap_bytes() + self.rests.heap_bytes()
    }

    /// The bytes of the intervals themselves.
    pub(crate) fn data_bytes(&self) -> usize {
        self.summaries.written() + self.rests.written()
    }
}

impl Sealed {
    fn new(first: u64, last: u64, rows: u32, encoders: [Encoder; 2]) -> Self {
        let [summaries, rests] = encoders.map(Encoder::finish);
        let bytes = [&*summaries, &*rests].concat().into();
        Self { first, last, rows, summaries: summaries.len() as u32, bytes }
    }

    /// Reads all intervals, in order.
    pub(crate) fn read<R: Row>(&self, depth: Depth, mut visit: impl FnMut(u64, &R)) {
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
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// The bytes held on the heap: those of the intervals, and the two counts of an `Arc`.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + 2 * size_of::<usize>()
    }

    /// The bytes of the intervals themselves.
    pub(crate) fn data_bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests;
