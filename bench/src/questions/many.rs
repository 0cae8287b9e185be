//! The question: the cost of a record into one of a thousand metrics, chosen at random.
//!
//! Workload: held handles, chosen by a sequence that was drawn before. A tight loop on one
//! metric keeps it in the nearest cache, which is not so in a service; here the size of a
//! metric's cells matters.

use anyhow::Result;

use crate::peers::{metrics, metriken, node0, prometheus, prometheus_client};
use crate::pool::Pool;
use crate::rounds::{Effort, Race, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(1);
    let counters = vec![
        node0::counters(),
        metriken::counters(),
        metriken::sharded_counters(),
        prometheus_client::counters(),
        prometheus::counters(),
        metrics::counters(),
    ];
    let latencies = vec![
        node0::latencies(),
        metriken::sharded_latencies(),
        prometheus_client::latencies(),
        prometheus::latencies(),
        metrics::latencies(),
    ];
    Ok(vec![
        race("counter/many/1t", "Count on one of 1000 at random", &pool, effort, counters)?,
        race("latency/many/1t", "Record on one of 1000 at random", &pool, effort, latencies)?,
    ])
}
