//! Events: things that happen to a sampled registry, for those who listen.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::judging::finding::FindingChange;
use crate::judging::status::Status;
use crate::judging::topic::Topic;
use crate::reading::sample::Sample;

/// Something that happened at a tick.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A sample was published.
    Sample(Arc<Sample>),
    /// The believed status of a topic changed.
    Health(HealthChange),
    /// A monitor found something that it had not found at the tick before, or finds it no more.
    Finding(FindingChange),
}

/// A change of a topic's believed status.
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
    /// The wall time of the tick from which on it is believed.
    pub at: Timestamp,
}
