//! The handles that all threads share, and when they go.
//!
//! A thread's table may hold a handle for as long as the thread is idle, and no
//! other can reach into it. So a handle that its owner lets go of is marked as
//! lapsed: the registry no longer counts it, and the series leaves. The thread
//! drops it when it records through any table again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::handle::AnyHandle;
use crate::naming::series_id::SeriesId;
use crate::recording::families::Registered;
use crate::recording::lanes::Reader;
use crate::sync::{self, Mutex, lock};

/// How often idle series are looked for.
const EXPIRY_PERIOD: Duration = Duration::from_secs(30);

/// How often handles lapsed in this process: a table that saw fewer holds some.
static LAPSES: AtomicU64 = AtomicU64::new(0);

/// The number of lapses; who sees one sees what lapsed.
#[inline]
pub(crate) fn lapses() -> u64 {
    // Pairs with the release in `note_lapse`.
    LAPSES.load(Ordering::Acquire)
}

fn note_lapse() {
    LAPSES.fetch_add(1, Ordering::Release);
}

/// A handle with the values that it is for, as threads share it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The [`SharedHandles::id`].
    pub(crate) owner: u64,
    pub(crate) values: Box<[Box<str>]>,
    pub(crate) handle: AnyHandle,
    has_lapsed: AtomicBool,
}

impl Entry {
    pub(crate) fn has_lapsed(&self) -> bool {
        self.has_lapsed.load(Ordering::Relaxed)
    }

    /// Takes the handle off the count of those that keep the series.
    fn lapse(&self) {
        self.has_lapsed.store(true, Ordering::Relaxed);
        for head in self.handle.heads() {
            // Release pairs with the acquire in `Cells::is_orphan`: who takes
            // the series for one without handles sees what they recorded.
            head.lapsed.fetch_add(1, sync::atomic::Ordering::Release);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if *self.has_lapsed.get_mut() {
            for head in self.handle.heads() {
                // Before the handle itself drops, whose release makes this seen.
                head.lapsed.fetch_sub(1, sync::atomic::Ordering::Relaxed);
            }
        }
    }
}

/// The series of one metric that were asked for by their values.
#[derive(Debug)]
pub(crate) struct SharedHandles {
    pub(crate) id: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The oldest series first.
    series: BTreeMap<SeriesId, Listing>,
    looked: Duration,
}

#[derive(Debug)]
struct Listing {
    entry: Arc<Entry>,
    /// The mark when it was last seen to change, and when that was.
    mark: Option<u64>,
    changed: Duration,
    /// Whether no thread holds the entry, since it was idle.
    is_recalled: bool,
}

impl SharedHandles {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), known: Mutex::default() }
    }

    /// The entry of a series, for a thread's table.
    pub(crate) fn enter(
        &self,
        registered: Registered<impl Into<AnyHandle>>,
        values: &[&str],
    ) -> Arc<Entry> {
        let mut known = lock(&self.known);
        let listing = known.series.entry(registered.id).or_insert_with(|| Listing {
            entry: Arc::new(Entry {
                owner: self.id,
                values: values.iter().map(|value| (*value).into()).collect(),
                handle: registered.handle.into(),
                has_lapsed: AtomicBool::new(false),
            }),
            mark: None,
            changed: Duration::ZERO,
            is_recalled: false,
        });
        listing.is_recalled = false;
        listing.entry.clone()
    }

    /// Lets go of series that were idle too long; looks twice a minute.
    pub(crate) fn expire(&self, now: Duration, idle_expiry: Duration) {
        let mut known = lock(&self.known);
        if now < known.looked + EXPIRY_PERIOD {
            return;
        }
        known.looked = now;
        let reader = Reader::new();
        let mut has_recalled = false;
        known.series.retain(|_, listing| {
            let Some(mark) = listing.entry.handle.mark(&reader) else { return true };
            if listing.mark != Some(mark) {
                (listing.mark, listing.changed, listing.is_recalled) = (Some(mark), now, false);
            }
            if now < listing.changed.saturating_add(idle_expiry) {
                return true;
            }
            // In two looks: a thread may have found the entry just before the
            // first, and has recorded through it by the second.
            if listing.is_recalled {
                listing.expire();
                return false;
            }
            listing.recall();
            has_recalled = true;
            true
        });
        if has_recalled {
            note_lapse();
        }
    }
}

impl Listing {
    /// Says that the series may go although its name was not let go.
    fn expire(&self) {
        for head in self.entry.handle.heads() {
            // Relaxed: the drop of the handle, which follows, makes it seen.
            head.has_expired.store(true, sync::atomic::Ordering::Relaxed);
        }
    }

    /// Has all threads drop the entry, and keeps the series by another.
    fn recall(&mut self) {
        let fresh = Arc::new(Entry {
            owner: self.entry.owner,
            values: self.entry.values.clone(),
            handle: self.entry.handle.clone(),
            has_lapsed: AtomicBool::new(false),
        });
        self.entry.lapse();
        self.entry = fresh;
        self.is_recalled = true;
    }
}

impl Drop for SharedHandles {
    fn drop(&mut self) {
        // Nobody records through it any more: who does holds it.
        for listing in lock(&self.known).series.values() {
            listing.entry.lapse();
        }
        note_lapse();
    }
}
