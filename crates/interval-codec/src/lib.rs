//! Counts and numbers of intervals, compressed to little more than their entropy.
//!
//! A metric's past is a row for each interval: the [`Numbers`] of a counter or gauge, or the [`Counts`]
//! by bucket of a latency. Rows are appended to an [`OpenBlock`] one by one, and each takes few bits at
//! once, so that nothing waits uncompressed. A sealed [`Block`] is read without any other.
//!
//! ```
//! use node0_interval_codec::{Block, Counts, Depth, OpenBlock};
//!
//! let mut open = OpenBlock::new(0);
//! for interval in 0..60 {
//!     // Six values in each interval, in three neighbouring buckets.
//!     let mut row = Counts::collect([(500, 1), (501, 4), (502, 1)], 6.0 * 0.012);
//!     open.push(interval, &mut row);
//! }
//! let block: Block = open.seal();
//! assert!(block.data_bytes() < 60, "less than a byte for each interval");
//!
//! let mut medians = Vec::new();
//! block.read(Depth::Summary, |_, row: &Counts| medians.push(row.summary.bucket_at(0.5)));
//! assert_eq!(medians, [Some(501); 60]);
//! ```
//!
//! # How it works
//!
//! A *model* predicts the next row from those before it, and a range coder turns each prediction and the
//! difference into bits: what was likely costs a fraction of a bit. The reader runs the same model, so it
//! makes the same predictions. A model begins anew with each block.
//!
//! Each model is written once, for both directions: it passes every value through a coder, which in one
//! direction writes it and in the other ignores it and returns the one that was read. The summary of a
//! row has a coder of its own, so that a reader who needs no more skips the rest. `docs/design.md` says
//! why node0 has a codec of its own, with the figures.
//!
//! # What it does not know
//!
//! It knows no metric, no label, no time and no unit: an interval is a number, and so is a bucket. What
//! it decodes is what it has encoded; it is no format for files or for the network.

mod block;
mod counts;
mod numbers;
mod row;

mod column;
mod range_coder;
mod tables;

pub use block::{Block, Depth, OpenBlock};
pub use counts::{Counts, QUANTILES, Summary, rank};
pub use numbers::Numbers;
pub use row::Row;
