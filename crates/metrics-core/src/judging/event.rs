//! Events: changes that a tick makes known to listeners.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::judging::alert::AlertChange;
use crate::judging::finding::FindingChange;
use crate::judging::status::Status;
use crate::judging::topic::Topic;
use crate::reading::sample::Sample;

/// A change at a tick.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A sample was published.
    Sample(Arc<Sample>),
    /// The published status of a topic changed.
    Health(HealthChange),
    /// A finding was raised or cleared.
    Finding(FindingChange),
    /// An alert fired, was resolved, or is repeated.
    Alert(AlertChange),
    /// So many earlier events did not reach this listener, because a call to it failed or had
    /// not returned. Told to that listener alone, before the next events.
    Missed(u64),
}

/// A change of a topic's published status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealthChange {
    /// The topic.
    pub topic: &'static Topic,
    /// The status before.
    pub from: Status,
    /// The status now.
    pub to: Status,
    /// The summary of the new judgement.
    pub summary: String,
    /// The wall time of the tick that published it.
    pub at: Timestamp,
}
