//! The measurement of memory growth finds a leak; it needs a process of its own.

use std::panic::catch_unwind;

use testbed::memory::growth_over;

#[test]
fn cycles_that_leave_memory_behind_are_told_from_those_that_do_not() {
    growth_over(10_000, |_| drop(vec![1_u8; 1024]));
    let leaks = || growth_over(10_000, |_| std::mem::forget(vec![1_u8; 512]));
    assert!(catch_unwind(leaks).is_err());
}
