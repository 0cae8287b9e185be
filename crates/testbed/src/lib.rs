//! The real parts that node0's tests run against.
//!
//! A text format is only proven by the program that reads it, so the tests scrape with
//! real Prometheus servers, lint with promtool, parse with the reference parser, pool
//! connections of a real Postgres and cache in a real Redis. This crate finds those programs, or unpacks them into
//! the target folder the first time a test needs one, and drives them: processes that
//! end with their guard, a Prometheus on a free port, a plain HTTP client that can also
//! send nonsense.
//!
//! It knows nothing of node0's own crates and none of them may name it but as a
//! dev-dependency. It is not published and blocks freely: tests call it from threads.
//!
//! A test asks for a tool and goes on only when there is one:
//!
//! ```no_run
//! use std::time::Duration;
//! use testbed::prometheus::{Prometheus, ScrapeJob};
//! use testbed::tools;
//!
//! let tool = testbed::require!(tools::prometheus_2_42());
//! let job = ScrapeJob::new("demo", "127.0.0.1:3000").interval(Duration::from_secs(1));
//! let prometheus = Prometheus::start(&tool, &[job]).expect("prometheus starts");
//! let up = prometheus.query("up").expect("a well-formed query");
//! assert!(up.len() <= 1);
//! ```
//!
//! | variable | effect |
//! | --- | --- |
//! | `CI=true` | a tool that cannot be had fails the test instead of skipping it |
//! | `NODE0_TOOLS=unpacked` | tools of this machine are ignored, all are unpacked |
//! | `NODE0_DEBIAN_MIRROR` | where to download packages when this is not a Debian |
//! | `NODE0_SKIPS` | a file to which skips are appended, for a summary |
//! | `NODE0_PROVE=long` | see [`prove`] |

pub mod deadline;
pub mod http;
pub mod tools;

pub mod exposition;
pub mod memory;
pub mod process;
pub mod prometheus;
pub mod promtool;
pub mod prove;
pub mod redis;

mod require;

pub use crate::deadline::Deadline;
pub use crate::require::skip_or_fail;
