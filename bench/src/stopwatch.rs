//! The clocks by which everyone is timed, and the fence around what is timed.
//!
//! A thread alone is timed by its processor time, which stands still while the machine runs
//! something else: on a shared machine a batch would otherwise take twice as long in half of
//! the rounds. Threads that contend are timed by the wall, because one that sleeps on
//! another's lock uses no processor, and still keeps its caller waiting.

use std::time::{Duration, Instant};

/// How long `work` takes, by the wall.
#[inline]
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let start = now();
    work();
    start.elapsed()
}

/// How much processor time `work` takes on this thread; reading it costs a quarter of a microsecond.
#[inline]
pub(crate) fn time_alone(work: impl FnOnce()) -> Duration {
    #[cfg(target_os = "linux")]
    {
        let start = processor_time();
        work();
        processor_time() - start
    }
    #[cfg(not(target_os = "linux"))]
    time(work)
}

#[cfg(target_os = "linux")]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
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
