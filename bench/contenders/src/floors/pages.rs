//! The floor of a thread's first record: allocates the memory of one set of buckets.
//!
//! A library with cells per thread has to allocate and clear them at some time. Most of the
//! cost is the kernel's, which maps a page at the first write to it.

use std::hint::black_box;

use super::BUCKETS;

/// Allocates and clears as many bytes as the buckets of a latency take.
pub fn fill() {
    let buckets = black_box(vec![0_u16; BUCKETS].into_boxed_slice());
    // Leaked, because cells are kept too, and the next thread would get freed memory that is
    // still in the cache.
    Box::leak(buckets).fill(black_box(0));
}
