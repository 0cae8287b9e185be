//! What does it cost to time something, from start to stop?
//!
//! Workload: a timer that is stopped at once, on a held handle; the peers by their own timer
//! where they have one, else by two readings of the system's clock, as their documentation
//! shows. Nearly all of it is the clock. There is no budget: that of a whole request holds it.

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
