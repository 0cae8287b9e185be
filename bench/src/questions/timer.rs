//! The question: the cost of timing an operation, from start to stop.
//!
//! Workload: a timer on a held handle that is stopped at once. The peers use their own timer
//! if they have one, else two readings of the system's clock, as their documentation shows.
//! Nearly all of the cost is the clock. There is no budget of its own, because the budget of
//! a whole request includes it.

use anyhow::Result;

use crate::peers::{measured, metrics, metriken, node0, prometheus, prometheus_client};
use crate::pool::Pool;
use crate::rounds::{Effort, Race, race};

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let contenders = vec![
        node0::timer(),
        metriken::timer(),
        prometheus_client::timer(),
        prometheus::timer(),
        measured::timer(),
        metrics::timer(),
    ];
    let title = "Start and stop a timer on a held handle";
    Ok(vec![race("latency/timer/1t", title, &Pool::new(1), effort, contenders)?])
}
