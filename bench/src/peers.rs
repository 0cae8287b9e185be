//! The contenders of each library, in a module per library, node0's first.
//!
//! Each module uses its library as a careful user would: it follows the documentation and
//! takes the fastest way that it describes. The questions decide which contenders race.

pub(crate) mod node0;

pub(crate) mod contatori;
pub(crate) mod layers;
pub(crate) mod measured;
pub(crate) mod metrics;
pub(crate) mod metriken;
pub(crate) mod opentelemetry;
pub(crate) mod prometheus;
pub(crate) mod prometheus_client;
