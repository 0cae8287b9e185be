//! The monitor's public behaviour, with time that stands still: pools of any kind by their
//! handle, and pools of deadpool's.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod bench;
#[cfg(feature = "deadpool")]
mod deadpool;
mod guards;
mod handle;
mod handle_ends;
