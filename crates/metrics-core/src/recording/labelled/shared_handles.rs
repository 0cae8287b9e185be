//! The handles of one metric that threads share by label values, and their expiry.
//!
//! An idle thread keeps the handles in its table, and no other thread can remove them. So a
//! handle that is no longer needed is marked as *lapsed*. The registry does not count lapsed
//! handles, so it can remove the series. The thread drops its lapsed handles when it next
//! records by label values.
//!
//! A handle lapses in two cases: its [`Labelled`](super::Labelled) was dropped, or its series
//! was idle for too long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::handle::AnyHandle;
use crate::naming::series_id::SeriesId;
use crate::recording::families::Registered;
use crate::recording::lanes::Reader;
use crate::sync::{self, Mutex, lock};

/// The minimum time between two checks for idle series.
///
/// It must be longer than the time that a thread takes from finding an entry in its table to
/// recording through it: some nanoseconds, unless the thread is suspended.
const EXPIRY_PERIOD: Duration = Duration::from_secs(30);

/// The number of times that handles lapsed in this process.
///
/// A table remembers the number at which it last dropped lapsed entries, see
/// [`table`](super::table).
static LAPSES: AtomicU64 = AtomicU64::new(0);

/// Returns the number of lapses; the marks of the entries that they concern are visible then.
#[inline]
pub(crate) fn lapses() -> u64 {
    // Pairs with the release in `note_lapse`.
    LAPSES.load(Ordering::Acquire)
}

/// Counts a lapse, after the entries were marked.
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
    /// Returns `true` if the entry is no longer to be used.
    pub(crate) fn has_lapsed(&self) -> bool {
        // Relaxed: a thread that finds the entry a moment too early records through it, and
        // the series is still there, see `SharedHandles::expire`.
        self.has_lapsed.load(Ordering::Relaxed)
    }

    /// Marks the handle as lapsed, so that it no longer keeps the series.
    fn lapse(&self) {
        self.has_lapsed.store(true, Ordering::Relaxed);
        for head in self.handle.heads() {
            // Release pairs with the acquire in `Cells::is_orphan`: a pass that takes the
            // series for one without handles sees what they recorded.
            head.lapsed.fetch_add(1, sync::atomic::Ordering::Release);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if *self.has_lapsed.get_mut() {
            for head in self.handle.heads() {
                // Relaxed is enough, because the handle drops after this, with a release.
                head.lapsed.fetch_sub(1, sync::atomic::Ordering::Relaxed);
            }
        }
    }
}

/// The handles of one metric that were asked for by their values.
#[derive(Debug)]
pub(crate) struct SharedHandles {
    /// A number that no other one in the process has: the owner of its entries in the tables.
    pub(crate) id: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The handles by the ids of their series.
    series: BTreeMap<SeriesId, Listing>,
    /// The uptime at the last check for idle series.
    looked: Duration,
}

/// A shared handle, and the time of its last known use.
#[derive(Debug)]
struct Listing {
    entry: Arc<Entry>,
    /// The mark, a number that changes with every record of the handle, as of the last check.
    mark: Option<u64>,
    /// The uptime at the last check that found the mark changed.
    changed: Duration,
    /// `true` if no thread has this entry: it replaced a lapsed one and was not requested since.
    is_recalled: bool,
}

impl SharedHandles {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), known: Mutex::default() }
    }

    /// Returns the entry of a series, for the calling thread's table.
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

    /// Expires series that were idle for too long; checks at most twice a minute.
    ///
    /// A series expires in two checks. The first makes the threads' handle lapse, and keeps the
    /// series by a fresh handle: a thread that found the old handle just before may still record
    /// through it. The second check, half a minute later, drops the fresh handle, unless the mark
    /// changed or a thread requested the series meanwhile.
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
    /// Marks the series as expired: its totals are remembered when it goes.
    fn expire(&self) {
        for head in self.entry.handle.heads() {
            // Relaxed: the drop of the handle, which follows, makes it seen.
            head.has_expired.store(true, sync::atomic::Ordering::Relaxed);
        }
    }

    /// Makes the threads' entry lapse, and keeps the series by a fresh one.
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
        // Nobody is recording through it: a thread that does holds the `Labelled`.
        for listing in lock(&self.known).series.values() {
            listing.entry.lapse();
        }
        note_lapse();
    }
}
