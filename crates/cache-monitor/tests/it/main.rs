//! The monitor's public behaviour: with time that stands still, and on real moka
//! caches and a real Redis.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod bench;
mod by_name;
mod judge;
mod levels;
#[cfg(feature = "moka")]
mod moka_calls;
#[cfg(feature = "moka")]
mod moka_evictions;
#[cfg(feature = "moka")]
mod moka_future;
#[cfg(feature = "moka")]
mod moka_sync;
mod properties;
#[cfg(feature = "redis")]
mod redis_pool;
#[cfg(feature = "redis")]
mod redis_source;
#[cfg(feature = "redis")]
mod redis_tier;
mod report;
mod tiers;
#[cfg(all(feature = "moka", feature = "redis"))]
mod two_tier;
