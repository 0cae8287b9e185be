//! The metrics about the stream itself.

use node0_metrics_core::{
    ByLabel, Counter, Desc, InFlight, RegisterError, Registry, UpDown, descs, label_set,
};

descs! {
    /// The open sessions.
    pub const STREAM_CLIENTS: Desc = Desc::up_down(
        "node0_stream_clients",
        "Readers of the stream, by transport: websocket or sse.",
    )
    .labels(&["transport"]);

    /// The bodies that were encoded.
    pub const STREAM_TOPICS_ENCODED: Desc = Desc::counter(
        "node0_stream_topics_encoded_total",
        "Bodies of topics that were written as JSON for the stream; all readers share them.",
    );

    /// The updates that were not sent.
    pub const STREAM_UPDATES_MISSED: Desc = Desc::counter(
        "node0_stream_updates_missed_total",
        "Updates that readers of the stream were too slow for; each got a snapshot instead.",
    );
}

label_set! {
    /// The way in which a reader is connected, as counted.
    pub enum Transport {
        /// A WebSocket.
        WebSocket = "websocket",
        /// Server-sent events.
        ServerSentEvents = "sse",
    }
}

#[derive(Debug)]
pub(crate) struct Metrics {
    clients: ByLabel<Transport, UpDown>,
    pub(crate) encoded: Counter,
    pub(crate) missed: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let clients = |transport: Transport| {
            registry.up_down(&STREAM_CLIENTS, &[node0_metrics_core::LabelSet::label(transport)])
        };
        Ok(Self {
            clients: ByLabel::try_from_fn(clients)?,
            encoded: registry.counter(&STREAM_TOPICS_ENCODED, &[])?,
            missed: registry.counter(&STREAM_UPDATES_MISSED, &[])?,
        })
    }

    /// Counts a session until the guard is dropped.
    pub(crate) fn enter(&self, transport: Transport) -> InFlight {
        self.clients[transport].enter()
    }
}
