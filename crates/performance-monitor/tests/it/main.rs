//! The monitor through its public API, under a clock that the tests move.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod bench;
mod by_name;
mod expiry;
mod judge;
mod report;
