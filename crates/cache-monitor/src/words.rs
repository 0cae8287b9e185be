//! The closed sets of words by which a tier's numbers are told apart.

/// What a tier was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A lookup.
    Get,
    /// Storing an entry.
    Set,
    /// Removing an entry.
    Delete,
    /// Fetching from the source what the tier did not have.
    Load,
}

/// Why an entry left a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionCause {
    /// There was no room for it.
    Size,
    /// Its time was over.
    Expired,
    /// Somebody removed it.
    Explicit,
    /// A newer value took its place.
    Replaced,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// With a value.
    Success,
    /// With an error.
    Failure,
    /// Without an end: its caller went away, or it panicked.
    Cancelled,
}

/// What a tier's owner would see if it happened; see [`Tier::declare`](crate::Tier::declare).
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

/// How many bytes an entry has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Size {
    /// Nobody knows.
    #[default]
    Unknown,
    /// It is stored as it came.
    Plain(u64),
    /// It is stored in another form than it came.
    Compressed {
        /// The bytes that came.
        raw: u64,
        /// The bytes that are stored.
        stored: u64,
    },
}

impl Operation {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Get, Self::Set, Self::Delete, Self::Load];

    /// The value of the label `operation`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Load => "load",
        }
    }
}

impl EvictionCause {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Size, Self::Expired, Self::Explicit, Self::Replaced];

    /// The value of the label `cause`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Expired => "expired",
            Self::Explicit => "explicit",
            Self::Replaced => "replaced",
        }
    }

    /// Whether the tier decided it by itself: for its size or its time.
    pub const fn was_evicted(self) -> bool {
        matches!(self, Self::Size | Self::Expired)
    }
}

impl LoadOutcome {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Cancelled];

    /// The value of the label `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }

    /// How a load with this result ended.
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
