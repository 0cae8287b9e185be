//! Finds memory leaks in code that is set up and torn down many times.
//!
//! A library's own count of its bytes misses the bytes that it leaks, so this module reads
//! the resident memory of the whole process from the kernel. A test that uses it needs a
//! process to itself.

use std::fs;

/// The growth in bytes that is tolerated, because the allocator's own use varies.
const SLACK: u64 = 2 << 20;

/// Returns the resident memory of this process in bytes.
///
/// # Panics
///
/// Panics on systems other than Linux.
#[must_use]
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    number.expect("it is a number of kilobytes") * 1024
}

/// Runs `cycle` with the numbers from 0, and returns the bytes by which memory grew.
///
/// The growth is measured from the end of the first tenth, when everything that is kept for
/// reuse has been allocated, to the end.
///
/// # Panics
///
/// Panics when memory grows by more than 2 MiB.
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
