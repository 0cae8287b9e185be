//! The monitor's public behaviour, with time that stands still: pools of any kind by their
//! handle, and pools of deadpool's.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

#[cfg(all(feature = "bb8", feature = "deadpool-postgres"))]
mod bb8;
mod bench;
#[cfg(feature = "deadpool")]
mod deadpool;
mod guards;
mod handle;
mod handle_ends;
#[cfg(all(any(feature = "bb8", feature = "sqlx"), feature = "deadpool-postgres"))]
mod ledger;
#[cfg(all(feature = "sqlx", feature = "deadpool-postgres"))]
mod sqlx;
