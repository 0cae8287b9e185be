//! Tests of the public API, with a real Postgres and with fake programs that fail.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod failures;
mod hosts;
mod server;
mod session;
mod strangers;
