//! A tier in Redis, over connections of any kind.
//!
//! Redis is another process, so each operation can fail, and can take forever. A [`RedisTier`]
//! gives each one a deadline, which also covers the wait for a connection from its
//! [`ConnectionSource`]. It returns a failure as an error and counts it as one, never as a miss.
//! The caller decides what to do without the tier.
//!
//! The deadline limits the time that each caller loses to a dead Redis. To lose no time while Redis
//! is known to be dead, put a circuit breaker around the tier.
//!
//! Redis does not say how many entries it holds for a tier, nor which of them it evicts, so those
//! numbers are absent.

mod source;
mod tier;

pub use source::ConnectionSource;
pub use tier::{RedisTier, RedisTierError};
