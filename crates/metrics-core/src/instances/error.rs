//! The errors of entering an instance.

use crate::naming::instance_name::InvalidName;
use crate::recording::register_error::RegisterError;

/// The reason why an instance cannot be watched; `kind` is the monitor's word for its instances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// The name cannot be the label of an instance.
    #[error("{kind} name `{name}` is not usable: {rule}")]
    Name {
        /// The kind of instance, such as `pool`.
        kind: &'static str,
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A living instance has the name.
    #[error("{kind} `{name}` is watched already: clone its handle or choose another name")]
    Duplicate {
        /// The kind of instance, such as `pool`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A living instance with another name watches the same resource.
    #[error("{kind} `{name}` is watched already, as `{first}`: use what watches that one")]
    SameResource {
        /// The kind of instance, such as `pool`.
        kind: &'static str,
        /// The refused name.
        name: String,
        /// The name under which the resource is watched.
        first: String,
    },
    /// There are too many instances.
    #[error(
        "the monitor watches its maximum of {limit} {kind}s: register one for each that lasts, not one for each call"
    )]
    TooMany {
        /// The kind of instance, such as `pool`.
        kind: &'static str,
        /// The cap.
        limit: usize,
    },
    /// The registry refused a metric.
    #[error("the metrics of the {kind} cannot be registered")]
    Register {
        /// The kind of instance, such as `pool`.
        kind: &'static str,
        /// The reason.
        source: RegisterError,
    },
}

impl InstanceError {
    pub(super) fn name(kind: &'static str, refused: InvalidName) -> Self {
        Self::Name { kind, name: refused.name, rule: refused.rule }
    }
}
