//! The codec: writes intervals as few bits, and reads them again.
//!
//! A *model* predicts the next interval from those before it, and a range coder turns each
//! prediction and the difference into bits: what was likely costs a fraction of a bit. The reader
//! runs the same model, so it makes the same predictions. A model begins anew with each block, so
//! that a block can be read, and dropped, without any other.
//!
//! The summary of an interval has a coder of its own, so that a reader who needs no more skips the
//! rest. Each model is written once, for both directions: it passes every value through a [`Coder`],
//! which in one direction writes it and in the other ignores it and returns the one that was read.

pub(crate) mod column;
pub(crate) mod counts;
pub(crate) mod numbers;
pub(crate) mod range_coder;
mod tables;

use std::fmt::Debug;

use range_coder::Bit;
use tables::Table;

/// One direction of coding: an [`Encoder`](range_coder::Encoder) or a
/// [`Decoder`](range_coder::Decoder).
pub(crate) trait Coder {
    /// `true` if values are read, and those that are passed mean nothing.
    const READS: bool;

    /// Codes a decision, by the probability that `bit` has learned.
    fn bit(&mut self, bit: &mut Bit, value: bool) -> bool;

    /// Codes the lowest `count` bits of a value, all as likely as not.
    fn bits(&mut self, value: u64, count: u32) -> u64;

    /// Codes a symbol by its probability in a table.
    fn symbol(&mut self, table: &Table, symbol: usize) -> usize;
}

/// A model of the intervals of one series.
pub(crate) trait Model: Default + Clone + Debug {
    /// The data of one interval.
    type Row: Row;

    /// Codes what most questions are about: writes it, or reads it into `row`.
    fn code_summary<C: Coder>(&mut self, row: &mut Self::Row, coder: &mut C);

    /// Codes the rest of an interval, after its summary.
    fn code_rest<C: Coder>(&mut self, _row: &mut Self::Row, _coder: &mut C) {}

    /// The bytes that the model holds on the heap.
    fn heap_bytes(&self) -> usize;
}

/// The data of one series in one interval.
pub(crate) trait Row: Default + Clone + Debug {
    /// The model that codes such rows.
    type Model: Model<Row = Self>;

    /// Adds the data of a later part of the same interval.
    fn merge(&mut self, later: &Self);

    /// Halves the resolution of buckets `times` times.
    fn coarsen(&mut self, times: u32);

    /// Rounds what a sum of several intervals need not have in full.
    fn shorten(&mut self);

    /// Makes the summary, before the row is written or taken out.
    fn summarize(&mut self) {}

    /// The bytes that the row holds on the heap.
    fn heap_bytes(&self) -> usize;
}
