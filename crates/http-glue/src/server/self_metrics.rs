//! The metrics that the server and the endpoints record about themselves.

use metrics_core::{Counter, Desc, RegisterError, Registry, UpDown};

/// The number of open connections.
pub const CONNECTIONS: Desc = Desc::up_down("node0_http_connections", "Connections that are open.");

/// The number of refused requests and connections, by reason.
pub const REQUESTS_REFUSED: Desc = Desc::counter(
    "node0_requests_refused_total",
    "Requests and connections that were refused or cut: `connections` beyond the limit on connections, `renders` when an answer got no slot within a second or took too long, `header_timeout` when a request's head did not arrive in time, `stalled` when the client stopped reading.",
)
.labels(&["reason"]);

/// The handles of [`CONNECTIONS`] and [`REQUESTS_REFUSED`].
#[derive(Clone, Debug)]
pub(super) struct ServerMetrics {
    pub(super) connections: UpDown,
    pub(super) no_place: Counter,
    pub(super) header_timeout: Counter,
    pub(super) stalled: Counter,
}

impl ServerMetrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            connections: registry.up_down(&CONNECTIONS, &[])?,
            no_place: refusals(registry, "connections")?,
            header_timeout: refusals(registry, "header_timeout")?,
            stalled: refusals(registry, "stalled")?,
        })
    }

    pub(super) fn disabled() -> Self {
        Self {
            connections: UpDown::disabled(),
            no_place: Counter::disabled(),
            header_timeout: Counter::disabled(),
            stalled: Counter::disabled(),
        }
    }
}

/// Registers the counter of [`REQUESTS_REFUSED`] for a reason.
pub(crate) fn refusals(registry: &Registry, reason: &str) -> Result<Counter, RegisterError> {
    registry.counter(&REQUESTS_REFUSED, &[reason])
}
