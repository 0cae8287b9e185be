//! One module per library, node0's own first: how a careful user of it would do the work.
//!
//! Each follows its library's documentation and takes the fastest way that it shows. A
//! module gives contenders; which of them race each other is the questions' business.

pub(crate) mod node0;

pub(crate) mod contatori;
pub(crate) mod measured;
pub(crate) mod metrics;
pub(crate) mod metriken;
pub(crate) mod opentelemetry;
pub(crate) mod prometheus;
pub(crate) mod prometheus_client;
