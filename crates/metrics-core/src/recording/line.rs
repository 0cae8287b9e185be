//! Sums of buckets, read from the lanes a cache line at a time.
//!
//! A pass over busy latencies spends most of its time here. A line has 32 counts of 16 bits.
//! The compiler never merges atomic loads, and with 32 loads for a line a pass takes a quarter
//! longer. Rust has no operation that loads four adjacent atomics at once, so on x86-64 one
//! instruction of assembly does. Elsewhere, under Miri and in loom models, a safe version loads
//! one count after the other. This and [`static_ref`](crate::recording::static_ref) are the only
//! unsafe code of the crate.

use crate::recording::layout::PER_LINE;
use crate::sync::atomic::AtomicU16;

/// The counts in a word of 64 bits.
const PER_WORD: usize = 4;
/// The words in a line.
const WORDS: usize = PER_LINE.div_ceil(PER_WORD);

/// The counts of a line, four to a word, the first lowest.
type Words = [u64; WORDS];

/// The sum of one line over many lanes, with 32 bits for each bucket.
///
/// A count is below 2¹⁵, so the lanes of 2¹⁷ threads fit. Two sums share a word, apart from
/// each other, so that one addition adds two counts:
///
/// ```text
/// loaded word     |  d  |  c  |  b  |  a  |   four counts of 16 bits
/// even            |     c     |     a     |   word & EVEN
/// odd             |     d     |     b     |   word >> 16 & EVEN
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineSums {
    /// The sums of the first and the third count of each word.
    even: Words,
    /// The sums of the second and the fourth.
    odd: Words,
}

impl LineSums {
    /// Adds the counts that a line holds now.
    #[inline]
    pub(crate) fn add(&mut self, line: &[AtomicU16; PER_LINE]) {
        // Every other 16 bits, so that sums have room to grow into the rest.
        const EVEN: u64 = 0x0000_ffff_0000_ffff;
        let words = load(line);
        for (at, word) in words.iter().enumerate() {
            self.even[at] += word & EVEN;
            self.odd[at] += (word >> 16) & EVEN;
        }
    }

    /// Returns the sum of each bucket.
    #[inline]
    pub(crate) fn counts(&self) -> [u64; PER_LINE] {
        let mut counts = [0; PER_LINE];
        for ((counts, even), odd) in counts.chunks_mut(PER_WORD).zip(self.even).zip(self.odd) {
            // Back in the order of the buckets: a, b, c, d of the picture above.
            let word = [low(even), low(odd), high(even), high(odd)];
            counts.iter_mut().zip(word).for_each(|(count, sum)| *count = sum);
        }
        counts
    }
}

fn low(pair: u64) -> u64 {
    pair & u64::from(u32::MAX)
}

fn high(pair: u64) -> u64 {
    pair >> 32
}

/// Loads the counts of a line, four at a time.
#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
#[inline]
fn load(line: &[AtomicU16; PER_LINE]) -> Words {
    use std::arch::asm;

    let mut words = [0; WORDS];
    for (word, counts) in words.iter_mut().zip(line.as_chunks::<PER_WORD>().0) {
        // SAFETY: the eight bytes at `counts` are those of four counts that `line`
        // borrows. The language treats the assembly as if it did what Rust code could do
        // itself: four relaxed loads. The processor loads each count whole, also
        // where the eight bytes are not aligned, since no count crosses a line.
        #[expect(
            unsafe_code,
            reason = "argued above; a load for each count takes the pass a quarter longer"
        )]
        unsafe {
            asm!(
                "mov {word}, qword ptr [{counts}]",
                word = lateout(reg) *word,
                counts = in(reg) counts.as_ptr(),
                options(nostack, preserves_flags, readonly),
            );
        }
    }
    words
}

/// Loads the counts of a line, one after the other.
#[cfg(not(all(target_arch = "x86_64", not(miri), not(loom))))]
fn load(line: &[AtomicU16; PER_LINE]) -> Words {
    use crate::sync::atomic::Ordering;

    let mut words = [0; WORDS];
    for (word, counts) in words.iter_mut().zip(line.chunks(PER_WORD)) {
        let shifted = |(at, count): (usize, &AtomicU16)| {
            u64::from(count.load(Ordering::Relaxed)) << (16 * at)
        };
        *word = counts.iter().enumerate().map(shifted).sum();
    }
    words
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_each_bucket(
            lines in prop::collection::vec(prop::array::uniform32(any::<u16>()), 0..5),
        ) {
            let mut sums = LineSums::default();
            let mut expected = [0; PER_LINE];
            for line in lines {
                sums.add(&line.map(AtomicU16::new));
                expected.iter_mut().zip(line).for_each(|(sum, n)| *sum += u64::from(n));
            }
            prop_assert_eq!(sums.counts(), expected);
        }
    }
}
