//! The question: the cost of one record through a held handle, on one thread.
//!
//! Workload: a counter is incremented; a latency records the stream of log-normal values. If
//! node0 is not clearly faster than the best peer here, its cells per thread are not worth
//! their memory.

use anyhow::Result;

use crate::floors;
use crate::peers::{
    contatori, measured, metrics, metriken, node0, opentelemetry, prometheus, prometheus_client,
};
use crate::pool::Pool;
use crate::rounds::{Contender, Effort, Race, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(1);
    Ok(vec![
        race("counter/held/1t", "Count on a held handle, 1 thread", &pool, effort, counters())?,
        race("latency/held/1t", "Record on a held handle, 1 thread", &pool, effort, latencies())?,
    ])
}

/// Returns all contenders with a held counter.
pub(super) fn counters() -> Vec<Contender> {
    vec![
        node0::counter(),
        contatori::counter(),
        metriken::counter(),
        metriken::sharded_counter(),
        prometheus_client::counter(),
        prometheus::counter(),
        measured::counter(),
        metrics::counter(),
        opentelemetry::counter(),
    ]
}

/// Returns all contenders with a held latency.
pub(super) fn latencies() -> Vec<Contender> {
    vec![
        node0::latency(),
        floors::latency(),
        metriken::latency(),
        metriken::sharded_latency(),
        prometheus_client::latency(),
        prometheus::latency(),
        measured::latency(),
        metrics::latency(),
        opentelemetry::latency(),
    ]
}
