//! Snapshots for one session: the request, and the answer of the thread that encodes.
//!
//! The answer carries the receiver of alerts and findings too. The thread makes both in one step, so
//! that the session gets each alert once: in the replay, in the snapshot, or after it.

use tokio::sync::{broadcast, oneshot};

use crate::encoding::Instant;
use crate::event_id::Place;
use crate::interval::Interval;
use crate::message::{Kind, Message, Text};
use crate::notice::{News, Notice};

/// A session's request for a snapshot.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) topics: Vec<&'static str>,
    /// The intervals of the session.
    pub(crate) intervals: Vec<Interval>,
    /// The place after which the session goes on, if it was in this epoch.
    pub(crate) after: Option<Place>,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// A snapshot, and where the alerts and findings go on.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) snapshot: Snapshot,
    /// The alerts and findings after the snapshot.
    pub(crate) notices: broadcast::Receiver<News>,
    /// Those between the place that was asked for and the snapshot; `None` if some are lost.
    pub(crate) replay: Option<Vec<Notice>>,
}

/// The bodies of some topics.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) instant: Instant,
    /// Shared by all who want the same topics of the same pass.
    pub(crate) text: Text,
}

/// The fields of a snapshot beside the data, for one reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// The updates that were not sent.
    pub(crate) missed: u64,
    /// The alerts and findings that were not sent.
    pub(crate) missed_notices: u64,
    /// `true` if the stream goes on after the place that was asked for; `None` if none was.
    pub(crate) resumed: Option<bool>,
}

impl Remarks {
    /// Adds the remarks to a snapshot.
    fn add_to(self, text: &Text) -> Text {
        let Self { missed, missed_notices, resumed } = self;
        let Some(open) = text.json().strip_suffix(b"}").filter(|_| self != Self::default()) else {
            return text.clone();
        };
        let mut fields = String::new();
        if missed > 0 {
            fields += &format!(",\"missed\":{missed}");
        }
        if missed_notices > 0 {
            fields += &format!(",\"missedAlerts\":{missed_notices}");
        }
        if let Some(resumed) = resumed {
            fields += &format!(",\"resumed\":{resumed}");
        }
        Text::new([open, fields.as_bytes(), b"}"].concat().into())
    }
}

impl Snapshot {
    /// The message, with these remarks.
    pub(crate) fn message(&self, epoch: u64, remarks: Remarks) -> Message {
        self.instant.message(epoch, Kind::Snapshot, remarks.add_to(&self.text))
    }
}
