//! Messages to a reader, as each transport sends them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use node0_metrics_core::Timestamp;
use serde::Serialize;

use crate::event_id::EventId;

/// A message to a reader.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The kind, which is also the `type` in the JSON.
    pub kind: Kind,
    /// The place in the stream; `None` for answers to one client.
    pub id: Option<EventId>,
    pub(crate) text: Text,
}

/// A text that all readers of a message share.
#[derive(Clone, Debug)]
pub(crate) struct Text(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    json: Bytes,
    /// The frame that a transport made of it.
    frame: OnceLock<Bytes>,
}

impl Message {
    /// Returns one JSON object on one line; all readers that get the same message share the bytes.
    pub fn json(&self) -> &Bytes {
        self.text.json()
    }

    /// Returns the message as a frame, of which the JSON is a part; all readers share this too.
    ///
    /// The first call for a message makes the frame. All further calls return that one, so pass the
    /// same function each time: this is for the one transport whose frames are the same for all.
    pub fn framed(&self, frame: impl FnOnce(&[u8]) -> Bytes) -> Bytes {
        let Shared { json, frame: made } = &*self.text.0;
        made.get_or_init(|| frame(json)).clone()
    }
}

impl Text {
    pub(crate) fn new(json: Bytes) -> Self {
        Self(Arc::new(Shared { json, frame: OnceLock::new() }))
    }

    pub(crate) fn json(&self) -> &Bytes {
        &self.0.json
    }
}

/// The kinds of messages to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// All subscribed topics.
    Snapshot,
    /// The topics that are due and have changed.
    Update,
    /// An alert that fires or is resolved.
    Alert,
    /// A finding that was raised or cleared.
    Finding,
    /// The subscriptions of a client, after it changed them.
    Subscribed,
    /// The answer to a `ping`.
    Pong,
    /// A message of the client was wrong.
    Error,
}

impl Kind {
    /// Returns the word for it, as in the JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Update => "update",
            Self::Alert => "alert",
            Self::Finding => "finding",
            Self::Subscribed => "subscribed",
            Self::Pong => "pong",
            Self::Error => "error",
        }
    }
}

/// The end of a stream: the status code of a WebSocket's close frame, and the reason in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
#[non_exhaustive]
pub struct Close {
    /// The status code of RFC 6455, section 7.4.
    pub code: u16,
    /// The reason, for people.
    pub reason: &'static str,
}

impl Close {
    /// The service stops: 1001.
    pub const GOING_AWAY: Self = Self { code: 1001, reason: "the service stops: reconnect" };
    /// The client sends too much: 1008.
    pub const TOO_MANY_MESSAGES: Self =
        Self { code: 1008, reason: "too many messages: send at most 20 a second" };
    /// The client does not read: 1008.
    pub const TOO_SLOW: Self = Self { code: 1008, reason: "too slow: messages were not read" };
}

/// The fields that all messages have, in this order.
#[derive(Serialize)]
pub(crate) struct Envelope<'a, D> {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) timestamp: Timestamp,
    pub(crate) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a serde_json::Value>,
    pub(crate) data: D,
}

impl<D: Serialize> Envelope<'_, D> {
    /// Writes the message as JSON.
    pub(crate) fn to_json(&self) -> Bytes {
        // It cannot fail: there are no maps with keys other than strings, and a writer that is
        // a vector. If it did, the reader would get an empty object.
        serde_json::to_vec(self).map_or(Bytes::from_static(b"{}"), Bytes::from)
    }
}
