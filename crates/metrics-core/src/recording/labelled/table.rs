//! A thread's own table of handles, for all that it records by label values.
//!
//! A thread has one table, which all owners share. An entry is found by a hash of the owner's
//! id and all values, and then compared with them. If two lists of values have the same hash,
//! the later one replaces the other. They then replace each other at each use, which is slow but
//! right. The table holds no handles of folded series, so the caps on series bound it too.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::shared_handles::{Entry, lapses};

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table::new()) };
}

struct Table {
    /// The entries by the hash of [`hash`], which is taken as it is.
    entries: HashMap<u64, Arc<Entry>, BuildHasherDefault<AsItIs>>,
    /// The number of [`lapses`] up to which lapsed entries were dropped.
    lapses: u64,
}

impl Table {
    const fn new() -> Self {
        Self { entries: HashMap::with_hasher(BuildHasherDefault::new()), lapses: 0 }
    }
}

/// Calls `f` with the entry of these values, if the thread has it and it has not lapsed.
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
        // `f` may record by label values itself, so this is a shared borrow. `drop_lapsed` and
        // `remember` do nothing while the table is borrowed.
        let table = table.try_borrow().ok()?;
        let entry = table.entries.get(&hash)?;
        // Two owners, or two lists of values, may have one hash.
        let is_right = entry.owner == owner
            && entry.values.iter().map(|value| &**value).eq(values.iter().copied())
            && !entry.has_lapsed();
        if is_right { f(entry) } else { None }
    });
    // The table is destroyed at the thread's end; then each record registers again.
    found.ok().flatten()
}

/// Keeps an entry for the thread, and drops those that lapsed.
pub(crate) fn remember(hash: u64, entry: Arc<Entry>) {
    let _ = TABLE.try_with(|table| {
        // Borrowed if the first record of some values happens inside another record.
        if let Ok(mut table) = table.try_borrow_mut() {
            table.entries.insert(hash, entry);
        }
        // Called after the insertion, since the entry may have lapsed meanwhile: the number of
        // lapses that the table then stores covers this entry too.
        drop_lapsed(table);
    });
}

/// Drops the entries that lapsed.
#[cold]
fn drop_lapsed(table: &RefCell<Table>) {
    // Borrowed if this happens inside another record; a later record drops the entries.
    let Ok(mut table) = table.try_borrow_mut() else { return };
    // Read before the entries are looked at: one that lapses in between is dropped now or,
    // since the number has moved on by then, the next time.
    let lapses = lapses();
    if table.lapses != lapses {
        table.lapses = lapses;
        table.entries.retain(|_, entry| !entry.has_lapsed());
    }
}

/// Hashes the owner and all values, with their lengths: `["ab", "c"]` is not `["a", "bc"]`.
#[inline]
pub(crate) fn hash(owner: u64, values: &[&str]) -> u64 {
    values.iter().fold(owner, |hash, value| with_text(hash, value.as_bytes()))
}

/// Adds a text to a hash, 16 bytes at a time.
#[inline]
fn with_text(hash: u64, text: &[u8]) -> u64 {
    let (whole, rest) = text.as_chunks::<16>();
    let hash = hash ^ (text.len() as u64) << 48;
    let hash = whole.iter().fold(hash, |hash, chunk| with_ends(hash, chunk));
    with_ends(hash, rest)
}

/// Adds up to 16 bytes to a hash, as the first eight and the last eight, which may overlap.
///
/// Example: "content-type" has 12 bytes, which are added as "content-" and "ent-type". So each
/// byte changes the hash, and no loop is needed. From 4 to 7 bytes, the first four and the last
/// four are added in the same way.
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

/// Mixes two words: every bit of the result depends on every bit of both.
///
/// The product of two words has 128 bits, and its halves are folded into one. The constants
/// are odd numbers with bits all over, so that small words are far from zero and from each other.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    product as u64 ^ (product >> 64) as u64
}

/// Uses the key of the map, which is a hash already, as its hash.
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
