//! The counts of a series' cells as a pass last read them.
//!
//! A pass compares the cells with them to find what is new. It is limited by the memory that it
//! reads, so counts of 64 bits are kept in two parts: the low 16 bits of all, and the rest only
//! of lines that hold more. A line's count of values says by how much it has risen in all. If
//! that is less than 2¹⁶, so has each bucket, and the low bits alone say by how much: from
//! 65 530 to 4 it is 10. So a pass reads one cache line of known counts for a line of cells.

use std::array;

use crate::reading::delta::Delta;
use crate::recording::cells::{LINES, ThinBlock};
use crate::recording::latency::LineCounts;
use crate::recording::layout::{PER_LINE, THIN, THIN_BUCKETS};
use crate::recording::line::{Pairs, fetch};
use crate::recording::memory::of_list;

/// The counts of the lines that hold something.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownCounts {
    /// The numbers of the lines, rising, and the number of values in each.
    lines: Vec<(u16, u64)>,
    /// The low 16 bits of the counts of each of these lines.
    low: Vec<Pairs>,
    /// The counts of each of these lines divided by 2¹⁶.
    high: Vec<Narrowed<PER_LINE>>,
    /// The counts of thin buckets.
    thin: Narrowed<THIN_BUCKETS>,
    /// The bytes that `high` and `thin` point to, so that a pass need not read them for that.
    boxed: usize,
    /// The number of values in all of these.
    count: u64,
}

/// Counts in 16 bits each, or in 64 if one does not fit; nothing while all are zero.
#[derive(Clone, Debug, Default)]
enum Narrowed<const N: usize> {
    #[default]
    Zeros,
    Narrow(Box<[u16; N]>),
    Wide(Box<[u64; N]>),
}

impl<const N: usize> Narrowed<N> {
    fn get(&self, at: usize) -> u64 {
        match self {
            Self::Zeros => 0,
            Self::Narrow(counts) => counts[at].into(),
            Self::Wide(counts) => counts[at],
        }
    }

    /// Sets a count, and adds to `bytes` what it takes more.
    fn set(&mut self, at: usize, to: u64, bytes: &mut usize) {
        let before = self.bytes();
        match (&mut *self, u16::try_from(to)) {
            (Self::Zeros, Ok(0)) => {}
            (Self::Zeros, Ok(to)) => {
                let mut counts = Box::new([0; N]);
                counts[at] = to;
                *self = Self::Narrow(counts);
            }
            (Self::Narrow(counts), Ok(to)) => counts[at] = to,
            (Self::Wide(counts), _) => counts[at] = to,
            (Self::Zeros | Self::Narrow(_), Err(_)) => {
                let mut counts = Box::new(array::from_fn(|at| self.get(at)));
                counts[at] = to;
                *self = Self::Wide(counts);
            }
        }
        *bytes += self.bytes() - before;
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Zeros => 0,
            Self::Narrow(counts) => size_of_val(&**counts),
            Self::Wide(counts) => size_of_val(&**counts),
        }
    }
}

impl KnownCounts {
    /// Returns `true` if there are counts of thin buckets.
    pub(crate) fn has_thin(&self) -> bool {
        !matches!(self.thin, Narrowed::Zeros)
    }

    /// Returns the number of values in all lines.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Fetches the known counts, for a visit.
    pub(crate) fn fetch(&self) {
        fetch(&*self.lines);
        fetch(&*self.low);
    }

    /// Starts a visit of the lines by rising number, which adds what is new to `delta`.
    pub(crate) fn raise<'a>(&'a mut self, delta: &'a mut Delta) -> Raise<'a> {
        Raise { known: self, at: 0, delta }
    }

    /// Returns the index of a line, at or after that of an earlier line.
    fn index(&mut self, line: usize, from: usize) -> usize {
        let line = line as u16;
        let rest = &self.lines[from..];
        let at = from + rest.iter().take_while(|(known, _)| *known < line).count();
        if self.lines.get(at).is_none_or(|(known, _)| *known != line) {
            insert(&mut self.lines, at, (line, 0));
            insert(&mut self.low, at, Pairs::default());
            insert(&mut self.high, at, Narrowed::Zeros);
        }
        at
    }

    /// Returns the first bucket of each line that holds something, and the line's counts; those of
    /// thin buckets come last.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u16, [u64; PER_LINE])> {
        let thin_lines = if self.has_thin() { 0..LINES as u16 } else { 0..0 };
        let thin = thin_lines.filter_map(|line| {
            let mut counts = [0; PER_LINE];
            for at in 0..PER_LINE / THIN {
                counts[at * THIN + THIN / 2] =
                    self.thin.get(usize::from(line) * (PER_LINE / THIN) + at);
            }
            (counts != [0; PER_LINE]).then_some((line * PER_LINE as u16, counts))
        });
        let lines = self.lines.iter().enumerate().map(|(at, (line, _))| {
            let (low, high) = (&self.low[at], &self.high[at]);
            let count = |bucket: usize| {
                high.get(bucket) << 16 | u64::from(halves(low[bucket / 2])[bucket % 2])
            };
            (line * PER_LINE as u16, array::from_fn(count))
        });
        lines.chain(thin)
    }

    /// Returns the bytes of the lists.
    pub(crate) fn bytes(&self) -> usize {
        of_list(&self.lines) + of_list(&self.low) + of_list(&self.high) + self.boxed
    }

    /// Raises the thin buckets to the counts of `cells`, after all lines.
    pub(crate) fn raise_thin(&mut self, cells: &ThinBlock, delta: &mut Delta) {
        for (at, count) in cells.counts().enumerate() {
            let known = self.thin.get(at);
            if count > known {
                delta.put((at * THIN + THIN / 2) as u16, count - known);
                self.thin.set(at, count, &mut self.boxed);
                self.count += count - known;
            }
        }
    }

    /// Raises the low bits of a line, none of whose counts has risen by 2¹⁶ or more.
    fn raise_low(&mut self, at: usize, counts: &Pairs, delta: &mut Delta) {
        let first = self.lines[at].0 * PER_LINE as u16;
        for (pair, (known, new)) in self.low[at].iter_mut().zip(counts).enumerate() {
            if known == new {
                continue;
            }
            for (half, (known, new)) in halves(*known).into_iter().zip(halves(*new)).enumerate() {
                let bucket = 2 * pair + half;
                if new != known {
                    delta.push(first + bucket as u16, new.wrapping_sub(known).into());
                }
                if new < known {
                    let high = &mut self.high[at];
                    high.set(bucket, high.get(bucket) + 1, &mut self.boxed);
                }
            }
            *known = *new;
        }
    }

    /// Raises a line to its newer counts, however large. A count below the known one is ignored.
    fn raise_all(&mut self, at: usize, counts: &[u64; PER_LINE], delta: &mut Delta) {
        let first = self.lines[at].0 * PER_LINE as u16;
        for (bucket, count) in counts.iter().enumerate() {
            let (pair, shift) = (&mut self.low[at][bucket / 2], 16 * (bucket % 2));
            let high = self.high[at].get(bucket);
            let known = high << 16 | u64::from(halves(*pair)[bucket % 2]);
            if *count <= known {
                continue;
            }
            delta.push(first + bucket as u16, count - known);
            *pair = *pair & !(0xffff << shift) | (*count as u32 & 0xffff) << shift;
            if count >> 16 != high {
                self.high[at].set(bucket, count >> 16, &mut self.boxed);
            }
        }
    }
}

/// Inserts an element; a full list grows by an eighth, not to twice its length.
fn insert<T>(list: &mut Vec<T>, at: usize, element: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 1);
    }
    list.insert(at, element);
}

/// The two counts of a pair.
fn halves(pair: u32) -> [u16; 2] {
    [pair as u16, (pair >> 16) as u16]
}

/// A visit of the lines of a series' cells, by rising number.
pub(crate) struct Raise<'a> {
    known: &'a mut KnownCounts,
    /// The index of the line that was visited last.
    at: usize,
    delta: &'a mut Delta,
}

impl Raise<'_> {
    /// Raises the counts of a line to those of the cells, and adds the differences to the delta.
    #[inline]
    pub(crate) fn line(&mut self, line: usize, counts: LineCounts<'_>) {
        let Self { known, at, delta } = self;
        *at = known.index(line, *at);
        let before = delta.count();
        match counts {
            LineCounts::Sums(sums) => match sums.count().saturating_sub(known.lines[*at].1) {
                // Counts never fall, so a line with the same sum has the same counts.
                0 => return,
                1..=0xffff => known.raise_low(*at, &sums.low(), delta),
                _ => known.raise_all(*at, &sums.counts(), delta),
            },
            LineCounts::Exact(counts) => known.raise_all(*at, counts, delta),
        }
        let risen = delta.count() - before;
        known.lines[*at].1 += risen;
        known.count += risen;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::layout::Layout;
    use crate::recording::line::LineSums;

    #[test]
    fn a_line_rises_to_its_newer_counts_only() {
        let (mut known, mut delta) = (KnownCounts::default(), Delta::new(Layout::Latency));
        let mut counts = [0; PER_LINE];
        (counts[0], counts[1]) = (5, 2);
        known.raise(&mut delta).line(2, LineCounts::Exact(&counts));
        assert_eq!(delta.counts().collect::<Vec<_>>(), [(64, 5), (65, 2)]);
        delta.reset(Layout::Latency);
        (counts[0], counts[1]) = (6, 1);
        known.raise(&mut delta).line(2, LineCounts::Exact(&counts));
        assert_eq!(delta.counts().collect::<Vec<_>>(), [(64, 1)]);
        assert_eq!(known.count(), 8);
    }

    /// The counts that a line rises by, from none to more than the low bits hold.
    fn rises() -> impl Strategy<Value = Vec<(usize, [u16; 3], u8)>> {
        prop::collection::vec((0..4_usize, any::<[u16; 3]>(), 0..40_u8), 0..30)
    }

    proptest! {
        #[test]
        fn deltas_are_the_rises_of_each_bucket(rises in rises()) {
            let mut known = KnownCounts::default();
            let mut cells = [[0_u64; PER_LINE]; 4];
            for (line, by, shift) in rises {
                let mut expected = Vec::new();
                for (bucket, by) in (7..).zip(by) {
                    let by = u64::from(by) >> 8 << shift.saturating_sub(20);
                    cells[line][bucket] += by;
                    if by > 0 {
                        expected.push(((line * PER_LINE + bucket) as u16, by));
                    }
                }
                let mut delta = Delta::new(Layout::Latency);
                let mut raise = known.raise(&mut delta);
                for (line, counts) in cells.iter().enumerate() {
                    match LineSums::of(counts) {
                        Some(sums) if shift % 2 == 0 => raise.line(line, LineCounts::Sums(&sums)),
                        _ => raise.line(line, LineCounts::Exact(counts)),
                    }
                }
                prop_assert_eq!(delta.counts().collect::<Vec<_>>(), expected);
                prop_assert_eq!(known.count(), cells.as_flattened().iter().sum::<u64>());
            }
        }
    }
}
