//! Many metrics of one library, whose handles are held: the subject of memory and start-up.

use std::sync::Arc;

use crate::peers::{
    measured, metrics, metriken, node0, opentelemetry, prometheus, prometheus_client,
};

/// A library that can hold many metrics at once.
pub struct Holder {
    pub name: &'static str,
    /// Registers so many counters; `None` if the library does not register counters by labels.
    pub counters: Option<fn(usize) -> Held>,
    /// Registers so many latencies.
    pub latencies: fn(usize) -> Held,
}

/// All libraries with their way to hold metrics, node0 first.
pub const HOLDERS: &[Holder] = &[
    node0::HOLDER,
    metriken::HOLDER,
    prometheus_client::HOLDER,
    prometheus::HOLDER,
    measured::HOLDER,
    metrics::HOLDER,
    opentelemetry::HOLDER,
];

/// The registered metrics of one library.
pub struct Held {
    /// Records once into each metric; the argument is the number of the first value.
    pub record: Arc<dyn Fn(usize) + Send + Sync>,
    /// Does what the library does each second in a service, a second after the last call.
    pub tick: Box<dyn FnMut()>,
    /// Renders the page, or reads all values if there is none, and returns the number of records.
    pub scrape: Box<dyn FnMut() -> u64>,
}

impl Held {
    pub fn new(
        record: impl Fn(usize) + Send + Sync + 'static,
        scrape: impl FnMut() -> u64 + 'static,
    ) -> Self {
        Self { record: Arc::new(record), tick: Box::new(|| ()), scrape: Box::new(scrape) }
    }
}
