//! A tier in Redis, over connections of any kind.
//!
//! Redis is another process, so each operation can fail, and can take forever. A
//! [`RedisTier`] gives each one a deadline, which covers the wait for a
//! connection too, and returns every failure as an error that is counted as one:
//! never as a miss. What a caller does without the tier is the caller's business.
//!
//! A deadline bounds what a dead Redis costs each caller. That it costs callers
//! nothing while it is known to be dead takes a circuit breaker around the tier.
//!
//! Where connections come from is the caller's business too: a [`ConnectionSource`]
//! is one connection that all operations share, or a pool of any kind.
//!
//! How many entries Redis holds of whom, and which it evicts, it does not tell:
//! those numbers are absent.

mod source;
mod tier;

pub use source::{Cloned, ConnectionSource};
pub use tier::{RedisTier, RedisTierError};
