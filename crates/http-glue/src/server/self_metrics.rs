//! The metrics of this crate about itself.

use metrics_core::{Counter, Desc, RegisterError, Registry, UpDown};

/// The number of open connections.
pub const CONNECTIONS: Desc = Desc::up_down("node0_http_connections", "Connections that are open.");

/// The number of refusals, by reason.
pub const REQUESTS_REFUSED: Desc = Desc::counter(
    "node0_requests_refused_total",
    "Requests and connections that were turned away: `connections` and `renders` for want of a place, `header_timeout` for a head that did not come, `stalled` for a reader that stopped.",
)
.labels(&["reason"]);

/// The counters of [`REQUESTS_REFUSED`], and the level of [`CONNECTIONS`].
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

/// Registers the counter of refusals for a reason.
pub(crate) fn refusals(registry: &Registry, reason: &str) -> Result<Counter, RegisterError> {
    registry.counter(&REQUESTS_REFUSED, &[reason])
}
