//! Tests of the public API, under a manual clock and with a real breaker.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod bench;
mod calls;
mod concurrency;
mod findings;
mod judge;
#[cfg(feature = "tower")]
mod layer;
mod names;
mod report;
mod states;
#[cfg(feature = "tower-resilience")]
mod tower_resilience;
mod windows;
