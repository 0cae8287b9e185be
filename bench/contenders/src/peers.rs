//! The contenders of each library, in a module per library, node0's first.
//!
//! Each module uses its library as a careful user would: it follows the documentation and
//! takes the fastest way that it describes. The questions decide which contenders race.

pub mod node0;

pub mod contatori;
pub mod layers;
pub mod measured;
pub mod metrics;
pub mod metriken;
pub mod opentelemetry;
pub mod prometheus;
pub mod prometheus_client;
