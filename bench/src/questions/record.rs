//! What does one record on a held handle cost, on one thread?
//!
//! Workload: a counter counts one; a latency takes the stream of log-normal values. If node0
//! were not well below the best peer here, its cells by thread would not earn their memory.

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

/// Everyone with a counter that is held.
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

/// Everyone with a latency that is held.
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
