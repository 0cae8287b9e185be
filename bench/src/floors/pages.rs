//! The floor of a thread's first record: allocates the memory of one set of buckets.

use std::hint::black_box;

use super::BUCKETS;

/// Allocates and clears as many bytes as the buckets of a latency take.
pub(crate) fn fill() {
    let buckets = black_box(vec![0_u16; BUCKETS].into_boxed_slice());
    // Leaked, because cells are kept too, and the next thread would get freed memory that is
    // still in the cache.
    Box::leak(buckets).fill(black_box(0));
}
