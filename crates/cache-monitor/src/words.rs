//! The closed sets of label values: operations, causes, outcomes and results.

use node0_metrics_core::label_set;

label_set! {
    /// An operation of a tier.
    #[non_exhaustive]
    pub enum Operation {
        /// A lookup.
        Get = "get",
        /// Storing an entry.
        Set = "set",
        /// Removing an entry.
        Delete = "delete",
        /// Fetching a missing entry from its source.
        Load = "load",
    }
}

label_set! {
    /// The result of a lookup that was answered.
    pub(crate) enum Found {
        Hit = "hit",
        Miss = "miss",
    }
}

label_set! {
    /// The cause for which an entry left a tier.
    #[non_exhaustive]
    pub enum EvictionCause {
        /// There was no room for it.
        Size = "size",
        /// Its time to live was over.
        Expired = "expired",
        /// A caller removed it.
        Explicit = "explicit",
        /// A newer value took its place.
        Replaced = "replaced",
    }
}

label_set! {
    /// The outcome of a load.
    #[non_exhaustive]
    pub enum LoadOutcome {
        /// It returned a value.
        Success = "success",
        /// It returned an error.
        Failure = "failure",
        /// It did not return: its caller went away, or it panicked.
        Cancelled = "cancelled",
    }
}

/// Kinds of events that a tier can report; see [`Tier::declare`](crate::Tier::declare).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Events {
    /// Entries that callers set and delete.
    Writes,
    /// Entries that leave, by every cause.
    Evictions,
    /// Operations that fail.
    Errors,
    /// Loads, and lookups that share one.
    Loads,
}

/// The size of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Size {
    /// The size is not known.
    #[default]
    Unknown,
    /// The entry is stored as it is, with this number of bytes.
    Plain(u64),
    /// The entry is stored in compressed form.
    Compressed {
        /// The number of bytes before compression.
        raw: u64,
        /// The number of stored bytes.
        stored: u64,
    },
}

impl EvictionCause {
    /// Returns `true` if the tier itself removed the entry: for size, or because it expired.
    pub const fn was_evicted(self) -> bool {
        matches!(self, Self::Size | Self::Expired)
    }
}

impl LoadOutcome {
    /// The outcome of a load that returned this.
    pub const fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Failure }
    }
}

impl Size {
    /// The bytes before and after compression, if they are known.
    pub const fn raw_and_stored(self) -> Option<(u64, u64)> {
        match self {
            Self::Unknown => None,
            Self::Plain(bytes) => Some((bytes, bytes)),
            Self::Compressed { raw, stored } => Some((raw, stored)),
        }
    }
}
