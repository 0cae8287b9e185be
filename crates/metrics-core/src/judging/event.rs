//! What happens to a sampled registry, for those who listen.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::judging::health::Status;
use crate::judging::monitor::Topic;
use crate::reading::sample::Sample;

/// Something that happened at a tick.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A sample was published.
    Sample(Arc<Sample>),
    /// A topic's believed status changed.
    Health(HealthChange),
}

/// A change of a topic's status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealthChange {
    /// Whose status it is.
    pub topic: &'static Topic,
    /// The status before.
    pub from: Status,
    /// The status now.
    pub to: Status,
    /// The summary of the new judgement.
    pub summary: String,
    /// When it was believed.
    pub at: Timestamp,
}
