//! The stream of a registry: it is started once, and opens sessions.
//!
//! Opening checks all that can be wrong with a request, so that a [`Session`] cannot fail later
//! except by its end.

use std::io;
use std::sync::Arc;
use std::thread;

use node0_aggregator::Events;
use node0_metrics_core::{RegisterError, Registry};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::answer::Request;
use crate::beat::Subscriptions;
use crate::fan_out::FanOut;
use crate::feed::Feed;
use crate::hub::Hub;
use crate::interval::Interval;
use crate::metrics::{Metrics, Transport};
use crate::session::{Session, Start};
use crate::settings::StreamingBuilder;
use crate::wanted::{Cursor, Wanted};

/// The most characters of an unknown name that an error repeats.
const LONGEST_SHOWN: usize = 64;

/// The stream of a registry: its readers open sessions; clones share it.
///
/// It ends with its aggregator, with [`Streaming::close`], and when the last clone and the last
/// session are dropped.
#[derive(Clone, Debug)]
pub struct Streaming {
    hub: Arc<Hub>,
    requests: UnboundedSender<Request>,
}

/// The reason why a stream could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The stream's own metrics could not be registered.
    #[error("the stream's own metrics cannot be registered")]
    Register(#[from] RegisterError),
    /// The operating system could not start a thread.
    #[error("the thread that encodes the stream could not be started")]
    Spawn(#[source] io::Error),
}

/// The reason why a session could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// All sessions are taken.
    #[error("{limit} clients read the stream already: retry later")]
    Full {
        /// The maximum of sessions.
        limit: usize,
    },
    /// The stream is closed, since the service stops.
    #[error("the stream is closed: the service stops")]
    Closed,
    /// A topic does not exist.
    #[error("there is no topic `{topic}`")]
    UnknownTopic {
        /// The topic that was asked for.
        topic: String,
        /// The topics that exist.
        known: Vec<&'static str>,
    },
    /// More topics were named than a message may name.
    #[error("at most {limit} topics can be named: name none to get all")]
    TooManyTopics {
        /// The maximum of names.
        limit: usize,
    },
}

impl Streaming {
    /// Returns a builder with the default settings.
    pub fn builder() -> StreamingBuilder {
        StreamingBuilder::new()
    }

    pub(crate) fn start(
        settings: StreamingBuilder,
        registry: &Registry,
        events: Events,
    ) -> Result<Self, StartError> {
        let (streaming, feed) = Self::prepare(settings, registry, events)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(StartError::Spawn)?;
        let work = move || runtime.block_on(feed.run());
        let thread = thread::Builder::new().name("node0-stream".into());
        thread.spawn(work).map_err(StartError::Spawn)?;
        Ok(streaming)
    }

    /// Makes the stream, and the feed that the thread runs.
    pub(crate) fn prepare(
        settings: StreamingBuilder,
        registry: &Registry,
        events: Events,
    ) -> Result<(Self, Feed), RegisterError> {
        let hub = Arc::new(Hub::new(settings, registry, Metrics::register(registry)?));
        let (requests, received) = mpsc::unbounded_channel();
        let feed = Feed::new(hub.clone(), events.with_samples_between(), received);
        Ok((Self { hub, requests }, feed))
    }

    /// Returns the names of all topics, which are those of the registered monitors.
    pub fn topics(&self) -> Vec<&'static str> {
        self.hub.topics()
    }

    #[cfg(test)]
    pub(crate) fn hub(&self) -> std::sync::Weak<Hub> {
        Arc::downgrade(&self.hub)
    }

    /// Opens a session; it never blocks.
    ///
    /// # Errors
    /// [`OpenError`] if all sessions are taken, the stream is closed, or a topic does not exist.
    pub fn open(&self, wanted: &Wanted, transport: Transport) -> Result<Session, OpenError> {
        let set = self.hub.resolve(wanted.topics.as_deref(), wanted.interval)?;
        let Ok(place) = self.hub.places.clone().try_acquire_owned() else {
            return Err(OpenError::Full { limit: self.hub.settings.max_clients });
        };
        let start = match wanted.cursor {
            None => Start::Anew,
            Some(Cursor::After(id)) if id.epoch == self.hub.epoch => Start::After(id.place),
            Some(_) => Start::Lost,
        };
        let (hub, requests) = (self.hub.clone(), self.requests.clone());
        let open = hub.metrics.enter(transport);
        Session::open(hub, requests, set, start, (place, open)).ok_or(OpenError::Closed)
    }

    /// Returns the task that wakes the readers from within their runtime; `None` if there is one.
    ///
    /// Spawn its [`FanOut::run`] where the sessions are served, as soon as there are some. Without
    /// it the thread that encodes wakes them, which costs each of them more.
    pub fn fan_out(&self) -> Option<FanOut> {
        FanOut::take(&self.hub)
    }

    /// Ends all sessions, and opens no more.
    pub fn close(&self) {
        self.hub.close();
    }
}

impl Hub {
    /// Returns the subscriptions to these topics, or to all.
    pub(crate) fn resolve(
        &self,
        names: Option<&[String]>,
        interval: Interval,
    ) -> Result<Subscriptions, OpenError> {
        let known = self.topics();
        let Some(names) = names else {
            return Ok(known.into_iter().map(|topic| (topic, interval)).collect());
        };
        let limit = self.settings.max_topics;
        if names.len() > limit {
            return Err(OpenError::TooManyTopics { limit });
        }
        let find = |name: &String| match known.iter().find(|known| *known == name) {
            Some(topic) => Ok((*topic, interval)),
            None => {
                let topic = name.chars().take(LONGEST_SHOWN).collect();
                Err(OpenError::UnknownTopic { topic, known: known.clone() })
            }
        };
        names.iter().map(find).collect()
    }
}
