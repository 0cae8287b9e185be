//! What does one record cost when two threads record into the same metric?
//!
//! Workload: as for one thread, begun by both at one moment; the figure is the mean of both
//! threads' times per operation. If node0 were slower than alone, its threads would share a
//! cache line somewhere.

use anyhow::Result;

use super::record::{counters, latencies};
use crate::pool::Pool;
use crate::rounds::{Effort, Race, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(2);
    Ok(vec![
        race("counter/held/2t", "Count on one handle, 2 threads", &pool, effort, counters())?,
        race("latency/held/2t", "Record on one handle, 2 threads", &pool, effort, latencies())?,
    ])
}
