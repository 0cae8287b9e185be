//! The metrics that the server records about itself.

use node0_metrics_core::{Counter, Desc, RegisterError, Registry, UpDown};

/// The number of open connections.
pub const CONNECTIONS: Desc = Desc::up_down("node0_http_connections", "Connections that are open.");

/// The number of refused requests and connections, by reason.
pub const REQUESTS_REFUSED: Desc = Desc::counter(
    "node0_requests_refused_total",
    "Requests and connections that were refused or cut: `connections` beyond the limit on connections or the share of one client, `renders` when an answer got no slot within a second or took too long, `header_timeout` when a request's head did not arrive in time, `body_timeout` when its body did not, `stalled` when the client stopped reading, `network` and `credential` when the client may not read.",
)
.labels(&["reason"]);

/// The handles of [`CONNECTIONS`] and [`REQUESTS_REFUSED`].
#[derive(Clone, Debug)]
pub(crate) struct ServerMetrics {
    pub(crate) connections: UpDown,
    pub(crate) no_place: Counter,
    pub(crate) header_timeout: Counter,
    pub(crate) body_timeout: Counter,
    pub(crate) stalled: Counter,
}

impl ServerMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let refused = |reason| registry.counter(&REQUESTS_REFUSED, &[reason]);
        Ok(Self {
            connections: registry.up_down(&CONNECTIONS, &[])?,
            no_place: refused("connections")?,
            header_timeout: refused("header_timeout")?,
            body_timeout: refused("body_timeout")?,
            stalled: refused("stalled")?,
        })
    }

    pub(crate) fn disabled() -> Self {
        Self {
            connections: UpDown::disabled(),
            no_place: Counter::disabled(),
            header_timeout: Counter::disabled(),
            body_timeout: Counter::disabled(),
            stalled: Counter::disabled(),
        }
    }
}
