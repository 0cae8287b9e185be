//! Whether something that comes and goes leaves memory behind.
//!
//! What a library says of its own bytes proves nothing of what it forgot, so the kernel is
//! asked, for the whole process. A test that does so has a process to itself.

use std::fs;

/// What memory may grow by while nothing is left behind: the allocator's whims.
const SLACK: u64 = 2 << 20;

/// Returns the bytes of this process that are in memory.
///
/// # Panics
///
/// Where there is no Linux.
#[must_use]
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    number.expect("it is a number of kilobytes") * 1024
}

/// Runs cycles, told their numbers from 0, and returns the bytes that memory grew by.
///
/// Measured is from the end of the first tenth, by when everything that is kept for reuse is
/// there, to the end.
///
/// # Panics
///
/// When memory grew by more than 2 MiB.
pub fn growth_over(cycles: u64, mut cycle: impl FnMut(u64)) -> u64 {
    let mut settled = u64::MAX;
    for nth in 0..cycles {
        cycle(nth);
        if nth == cycles / 10 {
            settled = resident();
        }
    }
    let grown = resident().saturating_sub(settled);
    assert!(grown <= SLACK, "memory grew by {grown} bytes over {cycles} cycles");
    grown
}
