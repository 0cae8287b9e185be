//! Sums of buckets, read from the lanes a cache line at a time.
//!
//! A pass over busy latencies spends most of its time here. A line has 32 counts of 16 bits.
//! The compiler never merges atomic loads, and with 32 loads for a line a pass takes a quarter
//! longer. Rust has no operation that loads four adjacent atomics at once, so on x86-64 one
//! instruction of assembly does. Elsewhere, under Miri and in loom models, a safe version loads
//! one count after the other.
//!
//! A pass also waits for most of these lines, since other cores have written them. So it asks
//! for them in advance with [`fetch`], which needs an instruction that Rust calls unsafe. This
//! module and [`static_ref`](crate::recording::static_ref) are the only unsafe code of the crate.

use std::array;
#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
use std::mem;

use crate::recording::layout::PER_LINE;
use crate::sync::atomic::AtomicU16;

/// The pairs of counts in a line; each is a word of 32 bits.
pub(crate) const PAIRS: usize = PER_LINE / 2;

/// The counts of a line, two to a word, the first lowest.
pub(crate) type Pairs = [u32; PAIRS];

/// The sum of one line over many lanes, with 32 bits for each bucket.
///
/// A count is below 2¹⁵, so the lanes of 2¹⁷ threads fit. The first and the second counts of
/// the pairs are apart, so that four counts are added by one instruction:
///
/// ```text
/// loaded pair     |  b  |  a  |   two counts of 16 bits
/// first           |     a     |   pair & 0xffff
/// second          |     b     |   pair >> 16
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineSums {
    first: Pairs,
    second: Pairs,
}

impl LineSums {
    /// Adds the counts that a line holds now.
    #[inline]
    pub(crate) fn add(&mut self, line: &[AtomicU16; PER_LINE]) {
        let pairs = load(line);
        for (at, pair) in pairs.iter().enumerate() {
            self.first[at] += pair & 0xffff;
            self.second[at] += pair >> 16;
        }
    }

    /// Returns the sum of all buckets.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        let pairs = self.first.iter().zip(&self.second);
        pairs.map(|(first, second)| u64::from(*first) + u64::from(*second)).sum()
    }

    /// Returns the low 16 bits of each bucket's sum, in pairs as the line itself has them.
    #[inline]
    pub(crate) fn low(&self) -> Pairs {
        array::from_fn(|at| self.first[at] & 0xffff | self.second[at] << 16)
    }

    /// Returns the sum of each bucket.
    #[inline]
    pub(crate) fn counts(&self) -> [u64; PER_LINE] {
        array::from_fn(|bucket| {
            let half = if bucket % 2 == 0 { &self.first } else { &self.second };
            u64::from(half[bucket / 2])
        })
    }
}

/// Asks the processor for the cache lines of `data`, without waiting for them.
///
/// A line from the cache of another core takes some 100 ns. If it was asked for in time, the pass
/// has worked on other series meanwhile. A plain load would not do: the processor can run only a
/// few dozen lines ahead of a load that is not complete.
#[inline]
pub(crate) fn fetch<T: ?Sized>(data: &T) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        const LINE_BYTES: usize = 64;
        let start = (&raw const *data).cast::<i8>();
        for offset in (0..size_of_val(data)).step_by(LINE_BYTES) {
            // SAFETY: a prefetch reads and writes nothing and is allowed for any address. It may
            // only move a line into the cache.
            #[expect(unsafe_code, reason = "a pass takes a fifth longer without it")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset));
            }
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(loom))))]
    let _ = data;
}

#[cfg(all(test, not(loom)))]
impl LineSums {
    /// Returns sums with these counts; `None` if one does not fit.
    pub(crate) fn of(counts: &[u64; PER_LINE]) -> Option<Self> {
        let mut sums = Self::default();
        for (bucket, count) in counts.iter().enumerate() {
            let half = if bucket % 2 == 0 { &mut sums.first } else { &mut sums.second };
            half[bucket / 2] = u32::try_from(*count).ok()?;
        }
        Some(sums)
    }
}

/// Loads the counts of a line, eight at a time.
#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
#[inline]
fn load(line: &[AtomicU16; PER_LINE]) -> Pairs {
    use std::arch::{asm, x86_64::__m128i};

    let mut pairs = [0; PAIRS];
    for (pairs, counts) in pairs.as_chunks_mut().0.iter_mut().zip(line.as_chunks::<8>().0) {
        let loaded: __m128i;
        // SAFETY: the sixteen bytes at `counts` are those of eight counts that `line`
        // borrows. The language treats the assembly as if it did what Rust code could do
        // itself: eight relaxed loads. The processor loads eight bytes at a time, and each
        // count whole, also where the bytes are not aligned, since no count crosses a line.
        // Any sixteen bytes are four integers.
        #[expect(
            unsafe_code,
            reason = "argued above; a load for each count takes the pass a quarter longer"
        )]
        unsafe {
            asm!(
                "movq {loaded}, qword ptr [{counts}]",
                "movhps {loaded}, qword ptr [{counts} + 8]",
                loaded = lateout(xmm_reg) loaded,
                counts = in(reg) counts.as_ptr(),
                options(nostack, preserves_flags, readonly),
            );
            *pairs = mem::transmute::<__m128i, [u32; 4]>(loaded);
        }
    }
    pairs
}

/// Loads the counts of a line, one after the other.
#[cfg(not(all(target_arch = "x86_64", not(miri), not(loom))))]
fn load(line: &[AtomicU16; PER_LINE]) -> Pairs {
    use crate::sync::atomic::Ordering;

    let count = |at: usize| u32::from(line[at].load(Ordering::Relaxed));
    array::from_fn(|at| count(2 * at) | count(2 * at + 1) << 16)
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
            prop_assert_eq!(sums.count(), expected.iter().sum::<u64>());
            let low = sums.low().map(|pair| [pair & 0xffff, pair >> 16].map(u64::from));
            prop_assert_eq!(low.as_flattened(), expected.map(|sum| sum & 0xffff));
        }
    }
}
