//! The floor of a thread's first record: memory of its own for one set of buckets.

use std::hint::black_box;

use super::BUCKETS;

/// Has a thread ask for as many bytes as a latency's buckets are, and clear them.
pub(crate) fn fill() {
    let buckets = black_box(vec![0_u16; BUCKETS].into_boxed_slice());
    // Kept, as cells are: what a thread frees, the next one would find warm.
    Box::leak(buckets).fill(black_box(0));
}
