//! Tests of the demo's parts through their public API.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail loudly and say on which database"
)]

mod database;
mod database_open;
mod strangers;
