//! The topics, the interval and the place that a reader asks for when it opens a stream.

use crate::event_id::EventId;
use crate::interval::Interval;

/// The topics, the interval and the place that a reader asks for when it opens a stream.
///
/// ```
/// use node0_streaming::{Interval, Wanted};
///
/// let wanted = Wanted::topics(["cache", "database"]).interval(Interval::from_millis(500.0)?);
/// # Ok::<(), node0_streaming::InvalidInterval>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "pass it to `Streaming::open`"]
pub struct Wanted {
    /// `None` means all topics.
    pub(crate) topics: Option<Vec<String>>,
    pub(crate) interval: Interval,
    pub(crate) cursor: Option<Cursor>,
}

/// The place after which a reader wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    After(EventId),
    /// A text that is no [`EventId`].
    Unreadable,
}

impl Wanted {
    /// Asks for all topics that there are at the time, once a second.
    pub fn all() -> Self {
        Self { topics: None, interval: Interval::default(), cursor: None }
    }

    /// Asks for these topics, once a second.
    pub fn topics<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self { topics: Some(names.into_iter().map(Into::into).collect()), ..Self::all() }
    }

    /// Sets the time between two updates; 1 s by default.
    pub fn interval(self, interval: Interval) -> Self {
        Self { interval, ..self }
    }

    /// Asks to go on after the event with this [`EventId`], as in `Last-Event-ID`.
    ///
    /// The session then begins with the alerts and findings since that event, and a snapshot that
    /// says `"resumed":true`; with neither if the event is the newest there is. If the event is too
    /// long ago, of another start of the service, or the text is no id, there is only a snapshot,
    /// which says `"resumed":false`.
    pub fn after(self, id: &str) -> Self {
        let cursor = id.parse().map_or(Cursor::Unreadable, Cursor::After);
        Self { cursor: Some(cursor), ..self }
    }
}
