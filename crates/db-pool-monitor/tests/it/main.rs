//! The monitor's public behaviour: on a pool whose every step the test decides,
//! with time that stands still, and on a real Postgres.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod assess;
mod attach;
mod bench;
mod cancellations;
mod handle;
mod handle_ends;
mod holds;
mod phases;
#[cfg(feature = "deadpool-postgres")]
mod postgres;
#[cfg(feature = "deadpool-postgres")]
mod postgres_readiness;
#[cfg(feature = "deadpool-postgres")]
mod postgres_server;
mod report;
mod waits;
