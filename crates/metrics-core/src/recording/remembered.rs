//! The totals of series that expired, for when their names are recorded again.
//!
//! An application that records by name holds no handle. When a name is idle for long, its
//! series is removed to free memory. If the name is recorded again, its total must not restart
//! at zero, because readers would take that for a restart of the service. So the last totals
//! are kept here, which take far less memory than the series, and the new series continues
//! from them.
//!
//! A family remembers as many names as it may have series. Beyond that it forgets the one
//! that expired first. Totals are not kept when the last handle of a series is dropped, since
//! the application then no longer uses the name.

use std::collections::{HashMap, VecDeque};

use crate::naming::desc::Kind;
use crate::naming::labels::Labels;
use crate::naming::series_id::SeriesId;

/// An expired series. If it is recorded again it keeps its id: to readers it is one series.
#[derive(Debug)]
pub(crate) struct Expired {
    pub(crate) id: SeriesId,
    pub(crate) totals: Totals,
}

/// The totals of one series as of its last sample.
#[derive(Debug)]
pub(crate) enum Totals {
    Counter(u64),
    Latency(LatencyTotals),
}

/// The totals of a latency.
#[derive(Debug)]
pub(crate) struct LatencyTotals {
    /// The numbers and counts of the buckets with values, by ascending number.
    pub(crate) counts: Box<[(u16, u64)]>,
    /// The sum in seconds.
    pub(crate) sum: f64,
}

/// The totals of a family's expired series.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// The kind of the family. Once its last series has gone, its name is free for another kind,
    /// which goes on from nothing.
    pub(crate) kind: Kind,
    by_labels: HashMap<Labels, Expired>,
    oldest_first: VecDeque<Labels>,
}

impl Remembered {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, by_labels: HashMap::new(), oldest_first: VecDeque::new() }
    }

    /// Keeps the totals of an expired series, and drops the oldest beyond `most` in all.
    pub(crate) fn keep(&mut self, labels: Labels, expired: Expired, most: usize) {
        self.oldest_first.push_back(labels.clone());
        self.by_labels.insert(labels, expired);
        while self.oldest_first.len() > most
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_labels.remove(&oldest);
        }
    }

    /// Removes and returns the expired series with these labels.
    pub(crate) fn take(&mut self, labels: &Labels) -> Option<Expired> {
        let expired = self.by_labels.remove(labels)?;
        self.oldest_first.retain(|kept| kept != labels);
        Some(expired)
    }
}
