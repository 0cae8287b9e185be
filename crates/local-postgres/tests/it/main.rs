//! The public interface against a real Postgres, and against programs that fail.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod failures;
mod hosts;
mod server;
mod session;
