//! What does a record cost without a handle, by name and two labels chosen at run time?
//!
//! Workload: sixteen pairs of method and route, one after the other. Labels are `'static`
//! strings, which spares the peers that own their keys an allocation. The contender `node0`
//! does what the peers do; `node0, name alone` is the performance monitor, which takes one
//! string made before, so it answers an easier question.

use anyhow::Result;

use crate::peers::{metrics, node0, opentelemetry, prometheus, prometheus_client};
use crate::pool::Pool;
use crate::rounds::{Effort, Race, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(1);
    let counters = vec![
        node0::counter_by_labels(),
        node0::counter_by_name(),
        prometheus_client::counter_by_labels(),
        prometheus::counter_by_labels(),
        metrics::counter_by_labels(),
        opentelemetry::counter_by_labels(),
    ];
    let latencies = vec![
        node0::latency_by_labels(),
        node0::latency_by_name(),
        prometheus_client::latency_by_labels(),
        prometheus::latency_by_labels(),
        metrics::latency_by_labels(),
        opentelemetry::latency_by_labels(),
    ];
    Ok(vec![
        race("counter/labels/1t", "Count by name and two labels", &pool, effort, counters)?,
        race("latency/labels/1t", "Record by name and two labels", &pool, effort, latencies)?,
    ])
}
