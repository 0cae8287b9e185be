//! A range coder: a decision of probability `p` costs `-log2(p)` bits.
//!
//! All bytes together are one long binary fraction. Each decision narrows the interval
//! `low .. low + range` in which that fraction lies to the part that belongs to the outcome.
//! Example: with a probability of 3/4 for "yes", a "yes" keeps three quarters of the range, which
//! costs 0.4 bits. Leading bytes that can no longer change are written out. This is the coder of
//! LZMA, with tables of probabilities besides single bits, and a range of 64 bits.
//!
//! An encoder can be copied and finished at any time, so a block is readable while it grows.

use crate::row::Coder;
use crate::tables::{SCALE, SCALE_BITS, Table};

/// The range is kept at this or above, so that each of 2³² parts has at least one number.
const SMALLEST: u64 = 1 << 32;

/// A decision whose probability is learned; 14 bits of probability and 2 of experience.
#[derive(Clone, Copy, Debug)]
pub struct Bit(u16);

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
    /// The part of the fraction that may still change.
    low: u64,
    range: u64,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { bytes: Vec::new(), low: 0, range: u64::MAX }
    }
}

impl Encoder {
    /// Narrows the range to `size` of 2^`bits` parts, from part `first` on.
    fn narrow(&mut self, first: u32, size: u32, bits: u32) {
        let part = self.range >> bits;
        self.raise(part * u64::from(first));
        self.range = part * u64::from(size);
        if self.range < SMALLEST {
            self.write(size_of::<u32>());
            self.range <<= u32::BITS;
        }
    }

    /// Raises the low end of the range, and adds one to what is written if it overflows.
    fn raise(&mut self, by: u64) {
        let (low, is_carried) = self.low.overflowing_add(by);
        self.low = low;
        if is_carried {
            for byte in self.bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                // A byte of 0xFF has become zero, and carries on.
                if *byte != 0 {
                    break;
                }
            }
        }
    }

    /// Moves the topmost bytes of `low` out.
    fn write(&mut self, count: usize) {
        if self.bytes.capacity() - self.bytes.len() < count {
            // Grows by an eighth, not to the double: thousands of blocks are open at once.
            self.bytes.reserve_exact(count + 8 + self.bytes.len() / 8);
        }
        for byte in self.low.to_be_bytes().iter().take(count) {
            self.bytes.push(*byte);
        }
        self.low = self.low.checked_shl(count as u32 * u8::BITS).unwrap_or_default();
    }

    /// Returns the bytes of all decisions so far.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // Any number in the range stands for it: takes the one with the most zeros at its end,
        // since the decoder reads zeros past the end by itself.
        let mask = |bits: u32| (1_u64 << bits) - 1;
        let up = |bits: u32| mask(bits) - ((self.low.wrapping_sub(1)) & mask(bits));
        let rise = [56, 48, 40, 32, 24, 16, 8].into_iter().map(up).find(|up| *up < self.range);
        self.raise(rise.unwrap_or_default());
        self.write(size_of::<u64>());
        let used = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.bytes.truncate(used);
        self.bytes
    }

    /// The bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes of all decisions so far: those written, and about half of those still open.
    pub(crate) fn written(&self) -> usize {
        // The range is whole as long as nothing was decided.
        if self.range == u64::MAX { 0 } else { self.bytes.len() + size_of::<u32>() }
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
            let now = left.min(u32::BITS);
            left -= now;
            self.narrow((value >> left & ((1 << now) - 1)) as u32, 1, now);
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
    rest: &'a [u8],
    /// The distance of the fraction from the low end of the range.
    code: u64,
    range: u64,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { rest: bytes, code: 0, range: u64::MAX };
        decoder.code = u64::from(decoder.next()) << u32::BITS;
        decoder.code |= u64::from(decoder.next());
        decoder
    }

    /// Reads four bytes; past the end they are zero.
    #[inline]
    fn next(&mut self) -> u32 {
        if let Some((word, rest)) = self.rest.split_first_chunk() {
            self.rest = rest;
            return u32::from_be_bytes(*word);
        }
        let mut word = [0; size_of::<u32>()];
        word[..self.rest.len()].copy_from_slice(self.rest);
        self.rest = &[];
        u32::from_be_bytes(word)
    }

    /// Returns the part of 2^`bits` in which the fraction lies.
    #[inline]
    fn part(&self, bits: u32) -> u32 {
        (self.code / (self.range >> bits)) as u32
    }

    #[inline]
    fn narrow(&mut self, first: u32, size: u32, bits: u32) {
        let part = self.range >> bits;
        self.code -= part * u64::from(first);
        self.range = part * u64::from(size);
        if self.range < SMALLEST {
            self.range <<= u32::BITS;
            self.code = self.code << u32::BITS | u64::from(self.next());
        }
    }
}

impl Coder for Decoder<'_> {
    const READS: bool = true;

    #[inline]
    fn bit(&mut self, bit: &mut Bit, _: bool) -> bool {
        let split = bit.probability();
        // Without the division of `part`: the bound is compared instead.
        let value = self.code < (self.range >> SCALE_BITS) * u64::from(split);
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
            let now = left.min(u32::BITS);
            left -= now;
            let part = self.part(now);
            self.narrow(part, 1, now);
            value = value << now | u64::from(part);
        }
        value
    }

    #[inline]
    fn symbol(&mut self, table: &Table, _: usize) -> usize {
        // In the tail of a distribution nearly all counts are zero: that is found without a division.
        let (_, zero) = table.part(0);
        if zero > SCALE / 4 * 3 && self.code < (self.range >> SCALE_BITS) * u64::from(zero) {
            self.narrow(0, zero, SCALE_BITS);
            return 0;
        }
        let symbol = table.find(self.part(SCALE_BITS));
        let (first, size) = table.part(symbol);
        self.narrow(first, size, SCALE_BITS);
        symbol
    }
}
