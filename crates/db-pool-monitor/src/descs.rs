//! The meaning of each metric of a pool.
//!
//! Names follow OpenTelemetry's `db.client.connection.*` where Prometheus's linter accepts them:
//! it refuses a gauge that ends in `_count`, and `_created` is reserved. Metrics of the pool's
//! own work, such as connections opened, need hooks in the pool and are not registered without
//! them.

use node0_metrics_core::{Classic, Desc, Unit, descs};

descs! {
    pub const CONNECTIONS: Desc = Desc::gauge(
        "db_client_connections",
        "Open connections of the pool: used ones are held by a caller, idle ones wait for one.",
    )
    .labels(&["pool", "state"])
    .classic(Classic::gauge(
        "db_pool_{state}_connections",
        "Database connections that are {state}",
    ));

    pub const CONNECTIONS_MAX: Desc = Desc::gauge(
        "db_client_connections_max",
        "Maximum number of open connections that the pool allows.",
    )
    .labels(&["pool"])
    .classic(Classic::gauge("db_pool_max_connections", "Maximum number of database connections"));

    pub const PENDING_REQUESTS: Desc = Desc::gauge(
        "db_client_pending_requests",
        "Callers that wait because all connections the pool allows are taken; not those whose connection is being opened.",
    )
    .labels(&["pool"])
    .classic(Classic::gauge(
        "db_pool_waiting_clients",
        "Clients waiting for a database connection",
    ));

    pub const CONNECTING_REQUESTS: Desc = Desc::gauge(
        "db_client_connecting_requests",
        "Callers for whom the pool is opening a connection.",
    )
    .labels(&["pool"]);

    pub const CONNECTIONS_USED_PEAK: Desc = Desc::peak(
        "db_client_connections_used_peak",
        "Highest number of connections in use during the last minute.",
    )
    .labels(&["pool"]);

    pub const PENDING_REQUESTS_PEAK: Desc = Desc::peak(
        "db_client_pending_requests_peak",
        "Highest number of callers waiting for a connection during the last minute.",
    )
    .labels(&["pool"]);

    pub const WAIT_DURATION: Desc = Desc::latency(
        "db_client_wait_duration_seconds",
        "Time from asking the pool for a connection to the end of the wait: acquired, timed out, failed or cancelled.",
    )
    .labels(&["pool"])
    .classic(Classic::summary(
        "db_pool_wait_time",
        "Time spent waiting for a database connection in milliseconds",
    ));

    pub const WAIT_PHASE_DURATION: Desc = Desc::latency(
        "db_client_wait_phase_duration_seconds",
        "Parts of the wait: for a permit while all connections are taken, for an idle connection's check, for a new connection.",
    )
    .labels(&["pool", "phase"]);

    pub const USE_DURATION: Desc = Desc::latency(
        "db_client_use_duration_seconds",
        "Time from acquiring a connection to giving it back.",
    )
    .labels(&["pool"])
    .bounds(USE_BOUNDS);

    pub const ACQUIRES: Desc = Desc::counter(
        "db_client_acquires_total",
        "Waits for a connection by their end: acquired, timed_out, failed (no connection could be opened, or the pool is closed) or cancelled by the caller.",
    )
    .labels(&["pool", "outcome"])
    .classic(Classic::counter(
        "db_pool_acquires_total",
        "Waits for a database connection by their end",
    ));

    pub const TIMEOUTS: Desc = Desc::counter(
        "db_client_timeouts_total",
        "Waits that timed out: for a permit while all connections were taken, or while connecting.",
    )
    .labels(&["pool", "phase"]);

    pub const CONNECTIONS_OPENED: Desc =
        Desc::counter("db_client_connections_opened_total", "Connections that the pool opened.")
            .labels(&["pool"]);

    pub const CONNECTIONS_RECYCLED: Desc = Desc::counter(
        "db_client_connections_recycled_total",
        "Times that an idle connection passed its check and was handed out again.",
    )
    .labels(&["pool"]);

    pub const CONNECTIONS_DISCARDED: Desc = Desc::counter(
        "db_client_connections_discarded_total",
        "Connections that left the pool: recycle_failed the check before reuse, cancelled during it, or taken by a caller.",
    )
    .labels(&["pool", "reason"]);

    pub const OLDEST_USE_AGE: Desc = Desc::gauge(
        "db_client_oldest_use_age_seconds",
        "Age of the longest held connection; NaN while none is held.",
    )
    .unit(Unit::Seconds)
    .labels(&["pool"]);

    pub const OLDEST_WAIT_AGE: Desc = Desc::gauge(
        "db_client_oldest_wait_age_seconds",
        "Age of the longest wait that has not ended; NaN while nobody waits.",
    )
    .unit(Unit::Seconds)
    .labels(&["pool"]);

    pub const LEAKED_CONNECTIONS: Desc = Desc::gauge(
        "db_client_leaked_connections",
        "Connections held for longer than the leak threshold.",
    )
    .labels(&["pool"])
    .classic(Classic::gauge(
        "db_pool_leaked_connections",
        "Database connections held suspiciously long",
    ));

    pub const LEAKS: Desc = Desc::counter(
        "db_client_leaks_total",
        "Connections whose use became longer than the leak threshold.",
    )
    .labels(&["pool"]);

    pub const SOURCE_PANICS: Desc = Desc::counter(
        "db_client_source_panics_total",
        "Panics of the code that is asked for the pool's levels; they are NaN until it answers again.",
    )
    .labels(&["pool"]);
}

/// The default bounds, and two for transactions that were not ended in time.
const USE_BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
