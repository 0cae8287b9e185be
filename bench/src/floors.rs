//! What cannot be undercut: the same work without everything that makes it a library.
//!
//! A floor does what any design with exact buckets would have to do, and nothing to find,
//! register or publish it. Where a budget falls short, the table shows its floor beside it.

mod cells;
mod copy;
mod lines;
mod pages;

pub(crate) use cells::latency;
pub(crate) use copy::{scrape_counters, scrape_latencies};
pub(crate) use lines::Lines;
pub(crate) use pages::fill;

/// What the names of floors begin with.
const FLOOR: &str = "floor";

/// Whether an entry of a race is a floor.
pub(crate) fn is_floor(name: &str) -> bool {
    name.starts_with(FLOOR)
}

/// Where a value lies at node0's resolution: 64 buckets for each doubling from 1 ns on.
#[inline]
fn bucket(nanos: u64) -> usize {
    ((nanos.cast_signed() as f64).to_bits() >> 46) as usize - (1023 << 6)
}

/// Buckets of one latency.
const BUCKETS: usize = 33 * 64;
