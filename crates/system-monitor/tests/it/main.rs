//! The monitor's public behaviour: on files that the test wrote, with time that
//! stands still, and on this very process and real runtimes.
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
