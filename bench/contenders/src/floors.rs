//! Lower bounds for the cost: the same work without the rest of a metrics library.
//!
//! A floor does only the work that any design with exact buckets must do. It has no names,
//! no registry and no snapshot. If a figure exceeds its budget, the table shows the floor
//! beside it.

mod cells;
mod copy;
mod lines;
mod pages;

pub use cells::latency;
pub use copy::{scrape_counters, scrape_latencies};
pub use lines::Lines;
pub use pages::fill;

/// The prefix of the names of floors.
const FLOOR: &str = "floor";

/// Returns `true` if an entry of a race is a floor.
pub fn is_floor(name: &str) -> bool {
    name.starts_with(FLOOR)
}

/// Returns the bucket of a value at node0's resolution: 64 buckets per octave from 1 ns on.
#[inline]
fn bucket(nanos: u64) -> usize {
    ((nanos.cast_signed() as f64).to_bits() >> 46) as usize - (1023 << 6)
}

/// The number of buckets of a latency.
const BUCKETS: usize = 33 * 64;
