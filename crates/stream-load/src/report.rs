//! The result of a load.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The result of a load; what came before all readers were connected does not count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The length of the run in seconds.
    pub seconds: f64,
    /// The CPU time that the load itself took.
    pub cpu_seconds: f64,
    /// The readers whose handshake succeeded.
    pub connected: usize,
    /// The refusals, by the status of the response.
    pub refused: BTreeMap<u16, usize>,
    /// The readers that are closed, by the code of the close frame; 0 stands for none.
    pub closed: BTreeMap<u16, usize>,
    /// The updates of all readers.
    pub updates: u64,
    /// The passes of which some reader had an update.
    pub passes: usize,
    /// The messages that are no updates, by type.
    pub others: BTreeMap<String, u64>,
    /// The updates that the service says some reader was too slow for.
    pub missed: u64,
    /// The updates whose `seq` is not above that of the reader's last.
    pub out_of_order: u64,
    /// The updates that a reader has not, and others of its group have, between its first and last.
    pub lost: u64,
    /// The updates that differ from those of the same pass that others of the group have.
    pub unequal: u64,
    /// The size of the smallest update in bytes.
    pub smallest: usize,
    /// The size of the largest update in bytes.
    pub largest: usize,
    /// The time from the sampling pass until the reader has the update.
    pub latency: Latency,
}

/// Percentiles of a latency in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the updates took at most as long.
    pub p50: f64,
    /// 99 % took at most as long.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    pub(crate) fn of(mut millis: Vec<f32>) -> Self {
        millis.sort_by(f32::total_cmp);
        let at = |share: f64| {
            let index = (share * millis.len() as f64) as usize;
            millis.get(index.min(millis.len().saturating_sub(1))).map_or(0.0, |it| f64::from(*it))
        };
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}
