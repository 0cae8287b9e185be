//! Rows, and the models that code them.

use std::fmt::Debug;

/// The data of one series in one interval: [`Numbers`](crate::Numbers) or [`Counts`](crate::Counts).
///
/// The trait is sealed.
pub trait Row: sealed::Coded {
    /// Adds the data of a later part of the same interval.
    fn merge(&mut self, later: &Self);

    /// Halves the resolution of buckets `times` times.
    fn coarsen(&mut self, times: u32);

    /// Rounds what a sum of several intervals need not have in full.
    fn shorten(&mut self) {}

    /// Makes the summary, which [`OpenBlock::push`](crate::OpenBlock::push) does too.
    fn summarize(&mut self) {}

    /// The bytes that the row holds on the heap.
    fn heap_bytes(&self) -> usize;
}

pub(crate) use sealed::{Coded, Coder, Model};

mod sealed {
    use super::{Debug, Row};
    use crate::range_coder::Bit;
    use crate::tables::Table;

    /// A row that a model codes.
    pub trait Coded: Default + Clone + Debug {
        /// The model that codes such rows.
        type Model: Model<Row = Self>;
    }

    /// A model of the intervals of one series.
    pub trait Model: Default + Clone + Debug {
        /// The data of one interval.
        type Row: Row;

        /// Codes what most questions are about: writes it, or reads it into `row`.
        fn code_summary<C: Coder>(&mut self, row: &mut Self::Row, coder: &mut C);

        /// Codes the rest of an interval, after its summary.
        fn code_rest<C: Coder>(&mut self, _row: &mut Self::Row, _coder: &mut C) {}

        /// The bytes that the model holds on the heap.
        fn heap_bytes(&self) -> usize;
    }

    /// One direction of coding: an [`Encoder`](crate::range_coder::Encoder) or a
    /// [`Decoder`](crate::range_coder::Decoder).
    pub trait Coder {
        /// `true` if values are read, and those that are passed mean nothing.
        const READS: bool;

        /// Codes a decision, by the probability that `bit` has learned.
        fn bit(&mut self, bit: &mut Bit, value: bool) -> bool;

        /// Codes the lowest `count` bits of a value, all as likely as not.
        fn bits(&mut self, value: u64, count: u32) -> u64;

        /// Codes a symbol by its probability in a table.
        fn symbol(&mut self, table: &Table, symbol: usize) -> usize;
    }
}
