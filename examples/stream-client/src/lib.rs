//! A client of node0's stream that stays connected.
//!
//! It needs no memory of what it has read: a stream begins with a snapshot, and an update has each
//! topic that it names complete. So after a break it only has to connect again. It waits before it
//! does, for a random part of a limit that doubles with each failure. When a service restarts, its
//! clients then come back one by one.

mod backoff;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;

pub use backoff::Backoff;

/// The time without any message, pings included, after which a connection is taken for dead.
///
/// The service sends a ping every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// A message of the stream; see docs/streaming.md.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Message {
    /// Such as `snapshot`, `update` or `alert`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// The number of the sampling pass; `None` in answers to what this client sent.
    pub seq: Option<u64>,
    /// By topic in snapshots and updates.
    pub data: Value,
    /// The updates that this client was too slow for.
    #[serde(default)]
    pub missed: u64,
}

/// An event of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Message(Message),
    /// There is no connection; the client tries again after this time.
    Broken {
        reason: String,
        retry: Duration,
    },
}

/// A client of one stream.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    intervals: BTreeMap<String, Duration>,
    backoff: Backoff,
}

impl Client {
    /// Makes a client for an address such as `ws://127.0.0.1:3000/metrics/stream?metrics=cache`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), intervals: BTreeMap::new(), backoff: Backoff::default() }
    }

    /// Asks for a topic at an interval of its own.
    #[must_use]
    pub fn topic(mut self, name: &str, interval: Duration) -> Self {
        self.intervals.insert(name.to_owned(), interval);
        self
    }

    /// Sets the times between two attempts to connect.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Follows the stream until the future is dropped.
    pub async fn follow(mut self, mut hear: impl FnMut(News)) {
        loop {
            let reason = match self.read(&mut hear).await {
                Ok(reason) => reason,
                Err(error) => error.to_string(),
            };
            let retry = self.backoff.next(fastrand::f64());
            hear(News::Broken { reason, retry });
            sleep(retry).await;
        }
    }

    /// Reads one connection to its end, and returns the reason of it.
    async fn read(&mut self, hear: &mut impl FnMut(News)) -> Result<String, Error> {
        let (mut socket, _) = connect_async(self.url.as_str()).await?;
        for (topic, interval) in &self.intervals {
            let interval = interval.as_millis();
            let order = json!({"type": "subscribe", "metrics": [topic], "interval": interval});
            socket.send(Frame::text(order.to_string())).await?;
        }
        loop {
            // The library answers pings whenever it reads.
            let Ok(frame) = timeout(SILENCE, socket.next()).await else {
                return Ok(format!("nothing was heard for {} s", SILENCE.as_secs()));
            };
            match frame.transpose()? {
                Some(Frame::Text(text)) => match serde_json::from_str(&text) {
                    Ok(message) => {
                        self.backoff.reset();
                        hear(News::Message(message));
                    }
                    Err(error) => return Ok(format!("a message cannot be read: {error}")),
                },
                Some(Frame::Close(Some(close))) => {
                    return Ok(format!("closed with {}: {}", close.code, close.reason));
                }
                Some(_) => {}
                None => return Ok("the connection was lost".to_owned()),
            }
        }
    }
}
