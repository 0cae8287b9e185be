//! Reports: the JSON body of a topic, with `timestamp` and `health` around it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::judging::assessment::{Assessment, HealthBlock};
use crate::judging::guest::GuestError;
use crate::judging::topic::Topic;

/// The body of a report: any value that serde serialises as an object.
pub struct Report {
    body: Box<dyn erased_serde::Serialize + Send>,
    components: Option<Vec<String>>,
    joined: Option<&'static Topic>,
}

impl Report {
    /// Wraps a body, to whose fields the core adds `timestamp` and `health`.
    ///
    /// The body must not have fields with these two names, so put names that users choose, such
    /// as those of instances, under a field of their own.
    pub fn new(body: impl Serialize + Send + 'static) -> Self {
        Self { body: Box::new(body), components: None, joined: None }
    }

    /// Shows the worst health of these instances.
    ///
    /// By default a report shows the health of its target, or without a target the topic's.
    #[must_use]
    pub fn about<N: Into<String>>(mut self, components: impl IntoIterator<Item = N>) -> Self {
        self.components = Some(components.into_iter().map(Into::into).collect());
        self
    }

    /// Shows the worse health of its own topic and another one, with the findings of both.
    ///
    /// For a report whose body has the numbers of both. The other topic is included once it
    /// was judged.
    #[must_use]
    pub fn joined_by(mut self, topic: &'static Topic) -> Self {
        self.joined = Some(topic);
        self
    }

    pub(crate) fn joined(&self) -> Option<&'static Topic> {
        self.joined
    }

    pub(crate) fn components(&self) -> Option<&[String]> {
        self.components.as_deref()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("components", &self.components).finish_non_exhaustive()
    }
}

/// A complete report, as every surface shows it: `timestamp`, `health` and the body.
#[derive(Debug)]
#[non_exhaustive]
pub struct TopicReport {
    /// The topic.
    pub topic: &'static Topic,
    /// The wall time of the sample.
    pub at: Timestamp,
    /// The published health of the topic or of the reported instance.
    pub health: Assessment,
    /// The body.
    pub report: Report,
}

impl Serialize for TopicReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Enveloped<'a> {
            timestamp: Timestamp,
            health: HealthBlock<'a>,
            #[serde(flatten)]
            body: Body<'a>,
        }
        struct Body<'a>(&'a dyn erased_serde::Serialize);
        impl Serialize for Body<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                erased_serde::serialize(self.0, serializer)
            }
        }
        let health = HealthBlock::new(self.topic, &self.health);
        Enveloped { timestamp: self.at, health, body: Body(&*self.report.body) }
            .serialize(serializer)
    }
}

/// The failure of a request for a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// No monitor has this topic.
    #[error("there is no topic `{topic}`")]
    UnknownTopic {
        /// The topic that was asked for.
        topic: String,
        /// The topics that exist.
        known: Vec<&'static str>,
    },
    /// The topic's monitor does not watch this instance.
    #[error("topic `{}` has no such instance", topic.name)]
    UnknownTarget {
        /// The topic that was asked for.
        topic: &'static Topic,
        /// The name that is unknown.
        source: UnknownTarget,
    },
    /// The monitor panicked, did not return in time or could not be called.
    #[error("the monitor of topic `{}` {reason}", topic.name)]
    Failed {
        /// The topic that was asked for.
        topic: &'static Topic,
        /// The way in which the call failed.
        reason: GuestError,
    },
}

impl ReportError {
    /// Converts the outcome of a call that makes a report.
    pub(crate) fn from_call<T>(
        topic: &'static Topic,
        made: Result<Result<T, UnknownTarget>, GuestError>,
    ) -> Result<T, Self> {
        let made = made.map_err(|reason| Self::Failed { topic, reason })?;
        made.map_err(|source| Self::UnknownTarget { topic, source })
    }
}

/// The name of an instance that a monitor does not watch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{target}`")]
pub struct UnknownTarget {
    /// The name that was asked for.
    pub target: String,
    /// The names that exist.
    pub known: Vec<String>,
}

impl UnknownTarget {
    /// Refuses any target, for a monitor without named instances.
    ///
    /// # Errors
    /// [`UnknownTarget`] if there is a target.
    pub fn refuse(target: Option<&str>) -> Result<(), Self> {
        match target {
            Some(target) => Err(Self { target: target.to_owned(), known: Vec::new() }),
            None => Ok(()),
        }
    }
}
