//! The clock by which everyone is timed, and the fence around what is timed.

use std::time::{Duration, Instant};

/// How long `work` takes.
#[inline]
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let start = now();
    work();
    start.elapsed()
}

/// The current time.
#[inline]
#[expect(clippy::disallowed_methods, reason = "the stopwatch is what is not to be simulated")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Makes the compiler finish what came before, so that a loop keeps each of its rounds.
///
/// Without it a loop of plain adds would become one addition. It costs no instruction.
#[inline(always)]
pub(crate) fn fence() {
    #[expect(unsafe_code, reason = "no safe construct makes the compiler forget all of memory")]
    // SAFETY: the block is empty; that it may touch memory is all it says.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
}
