//! The public interface against the Postgres of this machine.
//!
//! A machine without Postgres skips these tests loudly, and fails them where `CI` is set.

mod failures;
mod server;
mod session;
