//! The programs that tests need: found on this machine, or unpacked beside the build.
//!
//! A fresh clone must pass its tests after one command, as root and as anybody else, so
//! nothing is installed: Debian packages are downloaded with a private `apt` state,
//! checked against Debian's keyring and unpacked into `target/tools`. No service is
//! started and the system's own package lists are not touched. What is there stays, so
//! a second run needs no network; a file lock keeps concurrent test processes apart.
//!
//! A program already on the machine is used when its version fits: the pinned versions
//! are the point of the tests that ask for them.

mod debian;
mod error;
mod postgres;
mod prometheus;
mod python;
mod reach;
mod redis;
mod search;
mod store;
mod wrapper;

pub use self::error::ToolError;
pub use self::postgres::{PostgresTool, postgres, unpacked_postgres};
pub use self::prometheus::{PrometheusTool, prometheus_2_42, prometheus_2_53};
pub use self::python::{PrometheusClient, prometheus_client};
pub use self::redis::{RedisTool, redis, unpacked_redis};
