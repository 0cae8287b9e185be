//! The public interface against the Postgres of this machine.
//!
//! A machine without Postgres skips these tests loudly, and fails them where `CI` is set.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail loudly and say what they skip"
)]

mod failures;
mod server;
mod session;
