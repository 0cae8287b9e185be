//! The clocks, the statistics and the web service with which node0 is measured.
//!
//! It knows neither budgets nor peers; those are the bench's.

pub mod http;
pub mod memory;
pub mod stopwatch;

mod cores;

pub use bench_report::stats;
pub use cores::pin;
