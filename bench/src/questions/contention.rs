//! The question: the cost of one record when two threads record into the same metric.
//!
//! Workload: the same as for one thread, started by both threads at the same moment. The
//! figure is the mean of both threads' times per operation. If node0 is slower here than on
//! one thread, its threads share a cache line.

use anyhow::Result;

use super::record::{counters, latencies};
use crate::pool::Pool;
use crate::rounds::{Effort, Race, Scope, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    // Where two programs are compared, others must not disturb them, so processor time counts.
    let pool = match effort.scope {
        Scope::Ours => Pool::by_processor_time(2),
        Scope::Full | Scope::Quick => Pool::new(2),
    };
    Ok(vec![
        race("counter/held/2t", "Count on one handle, 2 threads", &pool, effort, counters())?,
        race("latency/held/2t", "Record on one handle, 2 threads", &pool, effort, latencies())?,
    ])
}
