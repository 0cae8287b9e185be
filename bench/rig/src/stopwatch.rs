//! The clocks that time the contenders, and the compiler fence for timed loops.
//!
//! A single thread is timed by its processor time, which does not advance while the machine
//! runs something else; by wall time, a batch on a shared machine would take twice as long
//! in half of the rounds. Threads that contend are timed by wall time, because a thread that
//! sleeps on a lock uses no processor time but makes its caller wait.

use std::time::{Duration, Instant};

/// Returns the wall time that `work` takes.
#[inline]
pub fn time(work: impl FnOnce()) -> Duration {
    let start = now();
    work();
    start.elapsed()
}

/// Returns the processor time that `work` takes on this thread.
///
/// One reading of this clock takes about a quarter of a microsecond.
#[inline]
pub fn time_alone(work: impl FnOnce()) -> Duration {
    #[cfg(target_os = "linux")]
    {
        let start = processor_time();
        work();
        processor_time() - start
    }
    #[cfg(not(target_os = "linux"))]
    time(work)
}

/// Returns the nanoseconds that this thread has worked; without a clock of threads, the wall time.
pub fn thread_nanos() -> u128 {
    #[cfg(target_os = "linux")]
    {
        processor_time().as_nanos()
    }
    #[cfg(not(target_os = "linux"))]
    {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(now);
        START.elapsed().as_nanos()
    }
}

/// Returns the nanoseconds that all threads of this process have worked, those that ended too.
///
/// `None` on systems without a clock of processes.
pub fn process_nanos() -> Option<u128> {
    #[cfg(target_os = "linux")]
    {
        Some(read(rustix::time::ClockId::ProcessCPUTime).as_nanos())
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Does some work and then nothing, so that both take longer than the work by a share.
///
/// A share of zero is no work at all: not even the clock is read.
#[inline]
pub fn lengthen(share: f64, work: impl FnOnce()) {
    if share == 0.0 {
        return work();
    }
    let took = time_alone(work);
    burn(took.mul_f64(share));
}

/// Uses processor time for a while, and returns how much it was.
pub fn burn(time: Duration) -> Duration {
    let start = thread_nanos();
    loop {
        let used = Duration::from_nanos((thread_nanos() - start) as u64);
        if used >= time {
            return if time.is_zero() { Duration::ZERO } else { used };
        }
    }
}

#[cfg(target_os = "linux")]
fn processor_time() -> Duration {
    read(rustix::time::ClockId::ThreadCPUTime)
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Returns the current time.
#[inline]
#[expect(clippy::disallowed_methods, reason = "the stopwatch is what is not to be simulated")]
pub fn now() -> Instant {
    Instant::now()
}

/// Stops the compiler from merging memory accesses before and after it.
///
/// Without it the compiler turns a loop of plain additions into one addition. The fence
/// costs no instruction.
#[inline(always)]
pub fn fence() {
    #[expect(unsafe_code, reason = "no safe construct makes the compiler forget all of memory")]
    // SAFETY: the assembly is empty; it only tells the compiler that it may access memory.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
}
