//! The question: the cost of a record without a handle, by name and two labels that are
//! chosen at run time.
//!
//! Workload: sixteen pairs of method and route in turn. Labels are `'static` strings, which
//! saves an allocation in peers that own their keys. The contender `node0` does the same
//! work as the peers. `node0, name alone` is the performance monitor: it looks up a single
//! string that was built before, which is less work.

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
