//! A range coder: a decision of probability `p` costs `-log2(p)` bits.
//!
//! All bytes together are one long binary fraction. Each decision narrows the interval
//! `low .. low + range` in which that fraction lies to the part that belongs to the outcome.
//! Example: with a probability of 3/4 for "yes", a "yes" keeps three quarters of the range, which
//! costs 0.4 bits. Leading bytes that can no longer change are written out. This is the coder of
//! LZMA, with tables of probabilities besides single bits.
//!
//! An encoder can be copied and finished at any time, so a block is readable while it grows.

use super::Coder;
use super::tables::{SCALE, SCALE_BITS, Table};

/// The range is kept above this, so that a probability of 2⁻¹⁴ leaves at least a thousand parts.
const SMALLEST: u32 = 1 << 24;

/// A decision whose probability is learned; 14 bits of probability and 2 of experience.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit(u16);

impl Default for Bit {
    fn default() -> Self {
        Self((SCALE as u16 / 2) << 2)
    }
}

impl Bit {
    /// The probability of `true`, in parts of [`SCALE`]; never 0 or all.
    fn probability(self) -> u32 {
        u32::from(self.0 >> 2)
    }

    /// Moves the probability towards an outcome: by a half at first, later by a sixteenth.
    fn learn(&mut self, value: bool) {
        let (probability, seen) = (self.0 >> 2, self.0 & 3);
        let speed = 1 + seen;
        // The shift rounds the step down to zero before a probability could get to 0 or all.
        let moved = if value {
            probability + ((SCALE as u16 - probability) >> speed)
        } else {
            probability - (probability >> speed)
        };
        self.0 = moved.clamp(1, SCALE as u16 - 1) << 2 | (seen + 1).min(3);
    }
}

/// Writes decisions.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    low: u64,
    range: u32,
    /// The last byte that a carry may still change.
    cached: u8,
    /// The number of bytes that are not written yet: the cached one, and bytes of 0xFF after it,
    /// which a carry would turn to zero.
    pending: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { bytes: Vec::new(), low: 0, range: u32::MAX, cached: 0, pending: 0 }
    }
}

impl Encoder {
    /// Narrows the range to `size` of 2^`bits` parts, from part `first` on.
    fn narrow(&mut self, first: u32, size: u32, bits: u32) {
        let part = self.range >> bits;
        self.low += u64::from(part) * u64::from(first);
        self.range = part * size;
        while self.range < SMALLEST {
            self.range <<= 8;
            self.shift();
        }
    }

    /// Moves the topmost byte of `low` out, once no later carry can change the one before it.
    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        if carry > 0 || self.low < 0xFF00_0000 {
            self.write_pending(carry);
            self.cached = (self.low >> 24) as u8;
        }
        self.pending += 1;
        self.low = (self.low & 0x00FF_FFFF) << 8;
    }

    fn write_pending(&mut self, carry: u8) {
        if self.pending > 0 && self.bytes.capacity() - self.bytes.len() < self.pending as usize {
            // Grows by a quarter, not to the double: thousands of blocks are open at once.
            self.bytes.reserve_exact(self.pending as usize + 8 + self.bytes.len() / 4);
        }
        let mut byte = self.cached;
        for _ in 0..self.pending {
            self.bytes.push(byte.wrapping_add(carry));
            byte = 0xFF;
        }
        self.pending = 0;
    }

    /// Returns the bytes of all decisions so far.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // Any number in the range stands for it: takes the one with the most zeros at its end,
        // since the decoder reads zeros past the end by itself.
        let end = self.low + u64::from(self.range);
        let rounded = |bits: u32| self.low.next_multiple_of(1 << bits);
        if let Some(number) = [32, 24, 16, 8].into_iter().map(rounded).find(|n| *n < end) {
            self.low = number;
        }
        for _ in 0..5 {
            self.shift();
        }
        let used = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.bytes.truncate(used);
        self.bytes
    }

    /// The bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes written so far.
    pub(crate) fn written(&self) -> usize {
        self.bytes.len() + self.pending as usize
    }
}

impl Coder for Encoder {
    const READS: bool = false;

    fn bit(&mut self, bit: &mut Bit, value: bool) -> bool {
        let split = bit.probability();
        if value {
            self.narrow(0, split, SCALE_BITS);
        } else {
            self.narrow(split, SCALE - split, SCALE_BITS);
        }
        bit.learn(value);
        value
    }

    fn bits(&mut self, value: u64, count: u32) -> u64 {
        let mut left = count;
        while left > 0 {
            let now = left.min(16);
            left -= now;
            self.narrow((value >> left) as u32 & ((1 << now) - 1), 1, now);
        }
        value
    }

    fn symbol(&mut self, table: &Table, symbol: usize) -> usize {
        let (first, size) = table.part(symbol);
        self.narrow(first, size, SCALE_BITS);
        symbol
    }
}

/// Reads the decisions that an [`Encoder`] wrote.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    bytes: std::slice::Iter<'a, u8>,
    /// The distance of the fraction from the low end of the range.
    code: u32,
    range: u32,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes: bytes.iter(), code: 0, range: u32::MAX };
        for _ in 0..4 {
            decoder.code = decoder.code << 8 | decoder.next();
        }
        decoder
    }

    #[inline]
    fn next(&mut self) -> u32 {
        self.bytes.next().copied().unwrap_or_default().into()
    }

    /// Returns the part of 2^`bits` in which the fraction lies.
    #[inline]
    fn part(&self, bits: u32) -> u32 {
        self.code / (self.range >> bits)
    }

    #[inline]
    fn narrow(&mut self, first: u32, size: u32, bits: u32) {
        let part = self.range >> bits;
        self.code -= part * first;
        self.range = part * size;
        while self.range < SMALLEST {
            self.range <<= 8;
            self.code = self.code << 8 | self.next();
        }
    }
}

impl Coder for Decoder<'_> {
    const READS: bool = true;

    #[inline]
    fn bit(&mut self, bit: &mut Bit, _: bool) -> bool {
        let split = bit.probability();
        // Without the division of `part`: the bound is compared instead.
        let value = self.code < (self.range >> SCALE_BITS) * split;
        if value {
            self.narrow(0, split, SCALE_BITS);
        } else {
            self.narrow(split, SCALE - split, SCALE_BITS);
        }
        bit.learn(value);
        value
    }

    #[inline]
    fn bits(&mut self, _: u64, count: u32) -> u64 {
        let (mut value, mut left) = (0, count);
        while left > 0 {
            let now = left.min(16);
            left -= now;
            let part = self.part(now);
            self.narrow(part, 1, now);
            value = value << now | u64::from(part);
        }
        value
    }

    #[inline]
    fn symbol(&mut self, table: &Table, _: usize) -> usize {
        let symbol = table.find(self.part(SCALE_BITS));
        let (first, size) = table.part(symbol);
        self.narrow(first, size, SCALE_BITS);
        symbol
    }
}
