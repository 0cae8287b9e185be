//! The sums of a latency's blocks over all threads.

use std::mem;

use super::SPILL;
use crate::recording::cells::{Block, LINE_WORDS, LINES, OwnBlock, SharedBlock, ones};
use crate::recording::layout::PER_LINE;
use crate::recording::line::LineSums;
use crate::sync::atomic::Ordering;

/// A buffer for the sums of one latency's blocks; all latencies of a pass reuse it.
///
/// Blocks are added one after the other, from the lowest line to the highest, because they are
/// far apart in memory and lines of one block are adjacent.
#[derive(Debug)]
pub(crate) struct BlockSums {
    lines: Box<[LineSums; LINES]>,
    /// A bit for each line that some block held.
    held: [u64; LINE_WORDS],
}

impl BlockSums {
    /// Creates an empty buffer.
    pub(crate) fn new() -> Self {
        Self { lines: Box::new([LineSums::default(); LINES]), held: [0; LINE_WORDS] }
    }

    /// Adds the lines of a block that hold something.
    pub(super) fn add(&mut self, block: &OwnBlock) {
        for line in block.lines() {
            self.held[line / 64] |= 1 << (line % 64);
            self.lines[line].add(block.line(line));
        }
    }

    /// Visits the sums, with the counts of full buckets and of shared cells added, and resets them.
    pub(super) fn drain(
        &mut self,
        full: Option<&OwnBlock>,
        shared: Option<&SharedBlock>,
        mut visit: impl FnMut(usize, LineCounts<'_>),
    ) {
        let mut held = mem::take(&mut self.held);
        // The lines of `full` need no check of their own: a bucket that was full belongs to a
        // line of some lane whose bit is set.
        for line in shared.into_iter().flat_map(Block::lines) {
            held[line / 64] |= 1 << (line % 64);
        }
        for line in ones(held) {
            let sums = mem::take(&mut self.lines[line]);
            let full = full.filter(|block| block.has(line));
            if full.is_none() && shared.is_none() {
                visit(line, LineCounts::Sums(&sums));
                continue;
            }
            let mut counts = sums.counts();
            if let Some(full) = full {
                add(&mut counts, full.line(line), |times| {
                    u64::from(times.load(Ordering::Relaxed)) * u64::from(SPILL)
                });
            }
            if let Some(shared) = shared {
                add(&mut counts, shared.line(line), |count| count.load(Ordering::Relaxed));
            }
            visit(line, LineCounts::Exact(&counts));
        }
    }
}

/// The counts of one line of a series over all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LineCounts<'a> {
    /// Those of lanes alone, as most lines have them.
    Sums(&'a LineSums),
    /// Those of lanes and other cells.
    Exact(&'a [u64; PER_LINE]),
}

/// Adds the value of each bucket of a line.
fn add<B>(counts: &mut [u64; PER_LINE], line: &[B; PER_LINE], value: impl Fn(&B) -> u64) {
    counts.iter_mut().zip(line).for_each(|(count, bucket)| *count += value(bucket));
}
