//! Live numbers for any number of readers: subscriptions, frames and back-pressure.
//!
//! A reader opens a [`Session`] for some topics at some interval. It gets a snapshot, then an
//! update per interval, and each alert at once. The session knows no transport: a surface takes
//! [`Message`]s from it and sends them over WebSocket or as server-sent events.
//!
//! ```
//! use node0_aggregator::Aggregator;
//! use node0_metrics_core::Registry;
//! use node0_streaming::{Kind, Streaming, Transport, Wanted};
//!
//! let registry = Registry::new();
//! let aggregator = Aggregator::start(&registry)?;
//! let streaming = Streaming::builder().start(&registry, aggregator.subscribe())?;
//!
//! let mut session = streaming.open(&Wanted::all(), Transport::WebSocket)?;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let first = session.next().await.expect("the stream is open");
//! assert_eq!(first.kind, Kind::Snapshot);
//! session.receive(r#"{"type":"ping","id":1}"#).expect("one message is no flood");
//! assert_eq!(session.next().await.expect("the stream is open").kind, Kind::Pong);
//! # });
//! session.end();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How ten thousand readers cost little more than one
//!
//! One thread encodes. It takes each sample of the aggregator, asks the monitors of the topics that
//! are due for their reports, and joins the JSON of these topics to one frame for each set of
//! topics that somebody reads. All readers of a set share the bytes of its frame.
//!
//! # What bounds a reader
//!
//! A session holds no queue of updates: the newest frame replaces the one that was not taken. A
//! reader that was too slow gets a snapshot that says how many updates it missed. Alerts wait in a
//! queue of 64, which all sessions share. Answers to a client's messages are bounded by its rate:
//! 20 messages a second, with bursts of 50.
//!
//! # What it does not do
//!
//! It limits no bytes of a message, sends no pings and closes nothing: that is the job of the
//! surface that knows the connection. It knows no monitor either: a monitor of your own is a topic
//! as soon as it is registered.
//!
//! # Metrics
//!
//! | metric | meaning |
//! | --- | --- |
//! | `node0_stream_clients{transport}` | open sessions |
//! | `node0_stream_topics_encoded_total` | bodies of topics that were written as JSON |
//! | `node0_stream_updates_missed_total` | updates that readers were too slow for |

mod answer;
mod beat;
mod command;
mod encoding;
mod event_id;
mod fan_out;
mod feed;
mod hub;
mod interval;
mod message;
mod metrics;
mod notice;
mod notices;
mod rate;
mod session;
mod settings;
mod streaming;
#[cfg(test)]
mod tests;
mod wanted;

pub use event_id::{EventId, InvalidEventId};
pub use fan_out::FanOut;
pub use interval::{Interval, InvalidInterval};
pub use message::{Close, Kind, Message};
pub use metrics::{DESCS, STREAM_CLIENTS, STREAM_TOPICS_ENCODED, STREAM_UPDATES_MISSED, Transport};
pub use rate::MAX_MESSAGE_BYTES;
pub use session::Session;
pub use settings::StreamingBuilder;
pub use streaming::{OpenError, StartError, Streaming};
pub use wanted::Wanted;
