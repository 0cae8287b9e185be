//! Pools of deadpool's: with a manager whose every step the test decides, and on a real Postgres.

mod attach;
mod beside_handles;
pub(crate) mod cancellations;
mod fake;
mod holds;
mod judge;
mod phases;
#[cfg(feature = "deadpool-postgres")]
mod postgres;
#[cfg(feature = "deadpool-postgres")]
mod postgres_readiness;
#[cfg(feature = "deadpool-postgres")]
pub(crate) mod postgres_server;
mod report;
mod waits;
