//! A thread's own table of handles, for all that it records by values.
//!
//! One table, so that any number of owners share a thread without getting in
//! each other's way. An entry is found by a hash of the owner and all values;
//! should two lists of values have one hash, the later wins
//! and the other is looked up the slow way. It holds only series that the
//! registry did not fold, so it is as bounded as they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::shared_handles::{Entry, lapses};

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table::new()) };
}

struct Table {
    entries: HashMap<u64, Arc<Entry>, BuildHasherDefault<AsItIs>>,
    /// The [`lapses`] as of which it holds nothing that lapsed.
    lapses: u64,
}

impl Table {
    const fn new() -> Self {
        Self { entries: HashMap::with_hasher(BuildHasherDefault::new()), lapses: 0 }
    }
}

/// What `f` makes of the entry of these values, if the thread has it.
#[inline]
pub(crate) fn find<R>(
    hash: u64,
    owner: u64,
    values: &[&str],
    f: impl FnOnce(&Entry) -> Option<R>,
) -> Option<R> {
    let found = TABLE.try_with(|table| {
        if table.try_borrow().ok()?.lapses != lapses() {
            drop_lapsed(table);
        }
        // Borrowed only where `drop_lapsed` or `remember` change it.
        let table = table.try_borrow().ok()?;
        let entry = table.entries.get(&hash)?;
        let is_right = entry.owner == owner
            && entry.values.iter().map(|value| &**value).eq(values.iter().copied())
            && !entry.has_lapsed();
        if is_right { f(entry) } else { None }
    });
    // Gone at the thread's end.
    found.ok().flatten()
}

/// Keeps an entry for the thread, and drops those that lapsed.
pub(crate) fn remember(hash: u64, entry: Arc<Entry>) {
    let _ = TABLE.try_with(|table| {
        // Borrowed where the first record of some values is made inside of another.
        if let Ok(mut table) = table.try_borrow_mut() {
            table.entries.insert(hash, entry);
        }
        // After the entry is in, which may have lapsed on the way here.
        drop_lapsed(table);
    });
}

/// Lets go of what nobody can reach any more; what is left stays found.
#[cold]
fn drop_lapsed(table: &RefCell<Table>) {
    // Borrowed where a record is made inside of another, which will do it.
    let Ok(mut table) = table.try_borrow_mut() else { return };
    let lapses = lapses();
    if table.lapses != lapses {
        table.lapses = lapses;
        table.entries.retain(|_, entry| !entry.has_lapsed());
    }
}

/// A hash of the owner and all values, with their lengths.
#[inline]
pub(crate) fn hash(owner: u64, values: &[&str]) -> u64 {
    values.iter().fold(owner, |hash, value| with_text(hash, value.as_bytes()))
}

#[inline]
fn with_text(hash: u64, text: &[u8]) -> u64 {
    let (whole, rest) = text.as_chunks::<16>();
    let hash = hash ^ (text.len() as u64) << 48;
    let hash = whole.iter().fold(hash, |hash, chunk| with_ends(hash, chunk));
    with_ends(hash, rest)
}

/// Takes in up to 16 bytes: the first and the last of them, which overlap, are all.
#[inline]
fn with_ends(hash: u64, text: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        mix(hash ^ u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        mix(hash ^ u64::from(u32::from_le_bytes(*first)), u32::from_le_bytes(*last).into())
    } else {
        mix(hash, text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

/// Multiplies in 128 bits and folds: every bit of the result depends on all of both words.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    product as u64 ^ (product >> 64) as u64
}

/// Takes the hash that was computed already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = with_text(self.0, bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
