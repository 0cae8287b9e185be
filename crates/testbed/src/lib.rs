//! The real programs that node0's tests run against.
//!
//! A format is proven only by the programs that read it, so the tests scrape with real
//! Prometheus servers, lint with promtool, parse with the reference parser, pool
//! connections of a real Postgres and cache in a real Redis, and stream to a real browser through
//! a real proxy. This crate finds those
//! programs, or unpacks them into the target folder when a test first needs one. It also
//! drives them: it has processes that end with their guard, a Prometheus on a free port,
//! and a plain HTTP client that can also send malformed requests. It also has the checks that
//! tests of several crates share, such as that of the shape of JSON.
//!
//! The crate does not know node0's own crates, which may use it only as a dev-dependency.
//! It is not published. Its functions block, so tests call them from threads.
//!
//! A test asks for a tool, and is skipped or fails if there is none:
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
//! | `CI=true` | a missing tool fails the test instead of skipping it |
//! | `NODE0_TOOLS=unpacked` | tools of this machine are ignored, all are unpacked |
//! | `NODE0_DEBIAN_MIRROR` | the address from which packages are downloaded |
//! | `NODE0_SKIPS` | a file to which skips are appended, for a summary |
//! | `NODE0_PROVE=long` | tests run at the length of a proof, see [`prove`] |

pub mod deadline;
pub mod http;
pub mod tools;

pub mod alertmanager;
#[cfg(feature = "tls")]
pub mod authority;
pub mod autobahn;
pub mod chromium;
pub mod exposition;
pub mod json_schema;
pub mod k6;
pub mod memory;
pub mod nginx;
pub mod process;
pub mod prometheus;
pub mod promtool;
pub mod prove;
pub mod random;
pub mod redis;
pub mod shape;

mod require;

pub use crate::deadline::Deadline;
pub use crate::require::skip_or_fail;
