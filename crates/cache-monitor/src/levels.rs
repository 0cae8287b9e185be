//! How full a tier is, as far as somebody knows.

use std::fmt;

/// Entries and bytes, and what a tier holds at most; each `None` where it is unknown.
///
/// ```
/// use cache_monitor::Levels;
///
/// let levels = Levels::default().entries(12).max_entries(100);
/// assert_eq!((levels.entries, levels.bytes), (Some(12), None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Levels {
    /// Entries now.
    pub entries: Option<u64>,
    /// Entries at most.
    pub max_entries: Option<u64>,
    /// Bytes now.
    pub bytes: Option<u64>,
    /// Bytes at most.
    pub max_bytes: Option<u64>,
}

/// Something that knows how full a tier is; for hosts to implement.
///
/// It is asked once a tick, on the sampling thread: no I/O, under a millisecond.
/// See [`Tier::poll`](crate::Tier::poll).
pub trait LevelSource: Send + Sync + 'static {
    /// How full it is now.
    fn levels(&self) -> Levels;
}

impl Levels {
    /// Sets [`Levels::entries`].
    #[must_use]
    pub const fn entries(mut self, entries: u64) -> Self {
        self.entries = Some(entries);
        self
    }

    /// Sets [`Levels::max_entries`].
    #[must_use]
    pub const fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = Some(entries);
        self
    }

    /// Sets [`Levels::bytes`].
    #[must_use]
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Sets [`Levels::max_bytes`].
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}

impl fmt::Debug for dyn LevelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LevelSource").field(&self.levels()).finish()
    }
}
