//! Tests of the monitor's public API, under a manual clock.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod bench;
mod by_name;
mod expiry;
mod judge;
mod report;
