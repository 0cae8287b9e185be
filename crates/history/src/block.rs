//! Blocks: some dozens of consecutive intervals of one series, compressed.
//!
//! One block of a series and tier is open: each interval that ends is appended to its bytes at once,
//! so that no interval waits uncompressed. When it is full it is sealed, and a new one begins. A
//! block needs no other to be read. A reader takes a copy of the open block, which it seals
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
    bytes: Arc<[u8]>,
}

/// The block to which intervals are appended.
#[derive(Clone, Debug)]
pub(crate) struct Open<M> {
    first: u64,
    last: u64,
    rows: u32,
    intervals: Steps,
    model: M,
    encoder: Encoder,
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
            encoder: Encoder::default(),
        }
    }

    /// Appends an interval, which must not be before the last one.
    pub(crate) fn push(&mut self, interval: u64, row: &mut M::Row) {
        if self.rows > 0 {
            self.intervals.code(interval.saturating_sub(self.last), &mut self.encoder);
        }
        self.model.code(row, &mut self.encoder);
        self.last = interval;
        self.rows += 1;
    }

    /// The number of the first interval.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn seal(self) -> Sealed {
        let Self { first, last, rows, encoder, .. } = self;
        Sealed { first, last, rows, bytes: encoder.finish().into() }
    }

    /// Returns a sealed copy of the intervals so far.
    pub(crate) fn copy(&self) -> Sealed {
        let Self { first, last, rows, .. } = *self;
        Sealed { first, last, rows, bytes: self.encoder.clone().finish().into() }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// The bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.model.heap_bytes() + self.encoder.heap_bytes()
    }

    /// The bytes of the intervals themselves.
    pub(crate) fn data_bytes(&self) -> usize {
        self.encoder.written()
    }
}

impl Sealed {
    /// Reads all intervals, in order.
    pub(crate) fn read<R: Row>(&self, mut visit: impl FnMut(u64, &R)) {
        let mut decoder = Decoder::new(&self.bytes);
        let (mut steps, mut model, mut row) = (Steps::default(), R::Model::default(), R::default());
        let mut interval = self.first;
        for at in 0..self.rows {
            if at > 0 {
                interval += steps.code(0, &mut decoder);
            }
            model.code(&mut row, &mut decoder);
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
