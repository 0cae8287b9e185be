//! Ledgers: the waits, or the uses, of a pool that have not ended.
//!
//! A histogram records a hold when it ends, but a leaked connection is held for ever. So each
//! start is entered in a ledger, from which a poll reads the oldest entry. Entering and removing
//! each hold a mutex for a few instructions; the pool itself holds several for longer. Slots are
//! reused, so memory is that of the most entries ever at once.

use std::panic::Location;
use std::sync::Mutex;
use std::time::Duration;

use node0_metrics_core::{Clock, Moment, lock};

/// The waits, or the uses, that began and have not ended.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
}

/// The place of an entry, to remove it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(usize);

#[derive(Debug, Default)]
struct Entries {
    slots: Vec<Option<Entry>>,
    /// The slots without an entry; the last is used next.
    free: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    since: Moment,
    caller: &'static Location<'static>,
    is_overdue: bool,
}

/// An entry that is older than it should be: its age, and the line of code that made it.
pub(crate) type Overdue = (Duration, &'static Location<'static>);

/// The entries of a ledger at one moment.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The number of entries.
    pub(crate) entries: u64,
    /// The age of the oldest entry.
    pub(crate) oldest: Option<Duration>,
    /// The entries past the limit, oldest first.
    pub(crate) overdue: Vec<Overdue>,
    /// The number of those that no survey has reported before.
    pub(crate) newly_overdue: u64,
}

impl Ledger {
    /// Adds an entry that began at `since`; returns its key and the number of entries.
    pub(crate) fn enter(&self, since: Moment, caller: &'static Location<'static>) -> (Key, u64) {
        let Entries { slots, free } = &mut *lock(&self.entries);
        let at = free.pop().unwrap_or(slots.len());
        if at == slots.len() {
            slots.push(None);
        }
        slots[at] = Some(Entry { since, caller, is_overdue: false });
        (Key(at), (slots.len() - free.len()) as u64)
    }

    /// Removes an entry; a key is used once.
    pub(crate) fn leave(&self, Key(at): Key) {
        let mut entries = lock(&self.entries);
        entries.slots[at] = None;
        entries.free.push(at);
    }

    /// Surveys all entries; those older than `limit` are overdue.
    pub(crate) fn survey(&self, clock: &Clock, limit: Duration) -> Survey {
        let mut survey = Survey::default();
        for entry in lock(&self.entries).slots.iter_mut().flatten() {
            let age = clock.since(entry.since);
            survey.entries += 1;
            survey.oldest = survey.oldest.max(Some(age));
            if age > limit {
                survey.newly_overdue += u64::from(!entry.is_overdue);
                entry.is_overdue = true;
                survey.overdue.push((age, entry.caller));
            }
        }
        survey.overdue.sort_by(|(a, _), (b, _)| b.cmp(a));
        survey
    }
}
