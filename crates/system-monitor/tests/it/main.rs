//! Tests of the public API: on files that the test wrote under a manual clock, and on
//! this process with real runtimes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

#[cfg(target_os = "linux")]
#[path = "../support/ask.rs"]
mod ask;
mod attach;
mod bench;
#[cfg(target_os = "linux")]
mod cgroups;
#[cfg(target_os = "linux")]
#[path = "../support/computing.rs"]
mod computing;
mod judge;
mod lag;
#[cfg(target_os = "linux")]
mod process;
mod report;
mod tree;
mod workers;
