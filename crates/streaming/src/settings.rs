//! The settings of a stream.

use node0_aggregator::Events;
use node0_metrics_core::Registry;

use crate::streaming::{StartError, Streaming};

/// Settings for [`Streaming`].
#[derive(Clone, Debug)]
#[must_use = "call `start` to get the stream"]
pub struct StreamingBuilder {
    pub(crate) max_clients: usize,
    pub(crate) max_topics: usize,
}

impl StreamingBuilder {
    pub(crate) fn new() -> Self {
        Self { max_clients: 10_000, max_topics: 16 }
    }

    /// Limits the number of open sessions; 10 000 by default. With 0, none can be opened.
    pub fn max_clients(mut self, clients: usize) -> Self {
        self.max_clients = clients.min(tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// Limits the number of topics that one message of a client may name; 16 by default.
    ///
    /// A client that names none gets all topics, however many there are.
    pub fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Starts the thread that encodes, for the events of the registry's aggregator.
    ///
    /// The stream ends with the aggregator.
    ///
    /// # Errors
    /// [`StartError`] when the registry has its maximum of metric names, or when the system cannot
    /// start a thread.
    pub fn start(self, registry: &Registry, events: Events) -> Result<Streaming, StartError> {
        Streaming::start(self, registry, events)
    }
}
