//! The error of registrations: of metrics, monitors and guests.

use std::borrow::Cow;

use crate::naming::desc::{Desc, DescError, Kind};

/// A registration that the registry refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The description breaks a rule of the exposition formats.
    #[error(transparent)]
    Desc(#[from] DescError),
    /// The description is of another kind than the handle that was asked for.
    #[error("metric `{name}` is a {is:?}, not a {wanted:?}: call the method of its own kind")]
    Kind {
        /// The metric's name.
        name: Cow<'static, str>,
        /// The kind of the description.
        is: Kind,
        /// The kind of the handle.
        wanted: Kind,
    },
    /// The name is taken by a metric with another description.
    #[error("metric `{name}` is registered with another {difference}: a name means one thing")]
    Conflict {
        /// The metric's name.
        name: Cow<'static, str>,
        /// The part that differs.
        difference: &'static str,
    },
    /// A metric of another name has a line of this name in some format.
    #[error("metric `{name}` cannot be beside `{other}`: a format writes `{line}` for both")]
    Clash {
        /// The metric's name.
        name: Cow<'static, str>,
        /// The metric that is there already.
        other: String,
        /// The name that a format would write for both.
        line: String,
    },
    /// The values do not match the description's label keys.
    #[error("metric `{name}` has {expected} labels, but {got} values were given")]
    LabelCount {
        /// The metric's name.
        name: Cow<'static, str>,
        /// The number of keys.
        expected: usize,
        /// The number of values.
        got: usize,
    },
    /// There are too many metric names.
    #[error("the registry holds its maximum of {limit} metric names: put what varies into labels")]
    TooManyFamilies {
        /// The cap.
        limit: usize,
    },
    /// The topic's name breaks a rule.
    #[error("topic `{topic}` cannot be served: {rule}")]
    TopicName {
        /// The topic.
        topic: &'static str,
        /// The rule that the name breaks.
        rule: &'static str,
    },
    /// Another observer or listener has this name.
    #[error("`{name}` observes or listens already: choose another name")]
    DuplicateGuest {
        /// The name.
        name: &'static str,
    },
    /// The topic has a monitor already.
    #[error("topic `{topic}` has a monitor already: attach further instances to it")]
    DuplicateTopic {
        /// The topic.
        topic: &'static str,
    },
    /// Another topic has this check key, which must be unique: it is the key of the topic in JSON
    /// bodies, and the label of its score.
    #[error("the check key `{key}` is that of topic `{topic}` already: choose another")]
    DuplicateCheckKey {
        /// The key.
        key: &'static str,
        /// The topic that has it.
        topic: &'static str,
    },
}

impl RegisterError {
    /// The description is not of the kind that the handle records.
    pub(crate) fn kind(desc: &Desc, wanted: Kind) -> Self {
        Self::Kind { name: desc.name().into(), is: desc.kind(), wanted }
    }
}
