//! The metrics of the streams' connections.

use node0_metrics_core::{
    ByLabel, Counter, Desc, LabelSet, RegisterError, Registry, descs, label_set,
};
use node0_streaming::{Close, Transport};
use node0_websocket::End;

descs! {
    /// The streams that ended, by reason.
    pub const STREAM_CLOSED: Desc = Desc::counter(
        "node0_stream_closed_total",
        "Streams that ended: `client` when the client left, `shutdown` when the service stopped, `stalled` when the client did not read for 5 s, `unanswered` when it did not answer two pings, `flood` when it sent too many messages, `binary`, `invalid` or `too_large` when it sent what no client may send.",
    )
    .labels(&["reason"]);

    /// The messages that were sent.
    pub const STREAM_MESSAGES: Desc = Desc::counter(
        "node0_stream_messages_total",
        "Messages that were handed to the system for a reader of the stream.",
    )
    .labels(&["transport"]);

    /// The requests for a stream that were refused.
    pub const STREAM_REFUSED: Desc = Desc::counter(
        "node0_stream_refused_total",
        "Requests for a stream that were refused: `clients` and `clients_per_ip` beyond these limits, `origin` from pages of other hosts, `shutdown` while the service stops.",
    )
    .labels(&["reason"]);
}

/// Every metric of the feature `stream`.
pub const STREAM_DESCS: &[&Desc] = DESCS;

label_set! {
    /// The reason why a stream ended, as counted.
    pub(crate) enum Ending {
        Client = "client",
        Shutdown = "shutdown",
        Stalled = "stalled",
        Unanswered = "unanswered",
        Flood = "flood",
        Binary = "binary",
        Invalid = "invalid",
        TooLarge = "too_large",
    }
}

label_set! {
    /// The reason why a stream was refused, as counted.
    pub(crate) enum Refusal {
        Clients = "clients",
        ClientsPerIp = "clients_per_ip",
        Origin = "origin",
        Shutdown = "shutdown",
    }
}

impl Ending {
    /// The session closed the stream.
    pub(crate) fn of_close(close: Close) -> Self {
        match close {
            Close::GOING_AWAY => Self::Shutdown,
            Close::TOO_SLOW => Self::Stalled,
            _ => Self::Flood,
        }
    }

    /// The socket ended.
    pub(crate) fn of_end(end: &End) -> Self {
        match end {
            End::Stalled => Self::Stalled,
            End::Unanswered => Self::Unanswered,
            End::Broken { code: 1008, .. } => Self::Flood,
            End::Broken { code: 1009, .. } => Self::TooLarge,
            End::Broken { .. } => Self::Invalid,
            _ => Self::Client,
        }
    }
}

#[derive(Debug)]
pub(crate) struct StreamMetrics {
    closed: ByLabel<Ending, Counter>,
    messages: ByLabel<Transport, Counter>,
    refused: ByLabel<Refusal, Counter>,
}

impl StreamMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            closed: counters(registry, &STREAM_CLOSED)?,
            messages: counters(registry, &STREAM_MESSAGES)?,
            refused: counters(registry, &STREAM_REFUSED)?,
        })
    }

    pub(crate) fn closed(&self, ending: Ending) {
        self.closed[ending].inc();
    }

    pub(crate) fn sent(&self, transport: Transport) {
        self.messages[transport].inc();
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused[refusal].inc();
    }
}

fn counters<L: LabelSet>(
    registry: &Registry,
    desc: &'static Desc,
) -> Result<ByLabel<L, Counter>, RegisterError> {
    ByLabel::try_from_fn(|label: L| registry.counter(desc, &[label.label()]))
}
