//! The programs that tests need: found on this machine, or unpacked into the target folder.
//!
//! A fresh clone must pass its tests after one command, for root and for every other user,
//! so nothing is installed. Debian packages are downloaded with a private `apt` state,
//! checked against Debian's keyring and unpacked into `target/tools`. No service is
//! started, and the system's own package lists are not changed. Unpacked tools are kept,
//! so a second run needs no network; a file lock serialises concurrent test processes.
//!
//! A program that is already on the machine is used only if it has the required version,
//! because some tests depend on the behaviour of one release.

mod alertmanager;
mod autobahn;
mod chromium;
mod debian;
mod error;
mod k6;
mod nginx;
mod npm;
mod playwright;
mod postgres;
mod prometheus;
mod python;
mod reach;
mod redis;
mod search;
mod store;
mod valgrind;
mod wrapper;

pub use self::alertmanager::{AlertmanagerTool, alertmanager};
pub use self::autobahn::{AutobahnTool, autobahn};
pub use self::chromium::{ChromiumTool, chromium, unpacked_chromium};
pub use self::error::ToolError;
pub use self::k6::{K6Tool, k6};
pub use self::nginx::{NginxTool, nginx, unpacked_nginx};
pub use self::npm::{NpmTool, npm};
pub use self::playwright::{PlaywrightTool, playwright};
pub use self::postgres::{PostgresTool, postgres, unpacked_postgres};
pub use self::prometheus::{PrometheusTool, prometheus_2_42, prometheus_2_53, prometheus_3_5};
pub use self::python::{
    PythonPackage, h2histogram, jsonschema, kubernetes_validate, prometheus_client, schemathesis,
};
pub use self::redis::{RedisTool, redis, unpacked_redis};
pub use self::valgrind::{ValgrindTool, unpacked_valgrind, valgrind};
