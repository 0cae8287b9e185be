//! The second tier where there is no Redis: one file, with lifetimes and a size limit.
//!
//! When the file is full, the entry that would expire first is evicted. To find it takes
//! one lookup in a table ordered by expiry; the store keeps no list of recent uses.
//!
//! After an error of the disk, such as a full one, redb refuses everything. The store then makes a new
//! file, since a cache may lose its entries, and tries to once a second until the disk takes it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use node0::cache::EvictionCause;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition};

/// Maps a key to the entry's expiry in milliseconds and its bytes.
const ENTRIES: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("entries");
/// Maps an expiry and a key to the number of bytes of the entry.
const BY_END: TableDefinition<'_, (u64, &str), u64> = TableDefinition::new("by_end");

/// The number of writes from one sync to the disk to the next.
///
/// A cache may lose entries in a crash, so most writes are not synced; but redb reuses
/// the pages that they free only after a sync, so some are.
const WRITES_PER_SYNC: u64 = 64;

/// An entry that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// The reason for the removal.
    pub(super) cause: EvictionCause,
    /// The size of the entry.
    pub(super) bytes: u64,
}

/// The number and the size of the stored entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The number of entries.
    pub(super) entries: u64,
    /// The sum of their sizes.
    pub(super) bytes: u64,
}

/// A function that makes an empty file.
type Make = Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>;

/// The time between two attempts to make a new file, in milliseconds.
const PAUSE: u64 = 1000;

/// A key-value store in one file.
pub(super) struct EmbeddedStore {
    make: Make,
    max_bytes: u64,
    /// Its lock also serialises the writers, because the file allows one at a time.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Readers share it, and read without the lock.
    database: Arc<Database>,
    held: Held,
    writes: u64,
    /// The time of the last attempt to make a new file, if the file failed.
    failed_at: Option<u64>,
}

impl EmbeddedStore {
    /// Creates an empty store of at most `max_bytes` in a file that `make` makes, and each time that
    /// the file before has failed.
    ///
    /// # Errors
    /// Fails when the file cannot be created.
    pub(super) fn create(
        make: impl Fn() -> Result<Database, redb::Error> + Send + Sync + 'static,
        max_bytes: u64,
    ) -> Result<Self, redb::Error> {
        let database = Arc::new(empty(&make)?);
        let state = State { database, held: Held::default(), writes: 0, failed_at: None };
        Ok(Self { make: Box::new(make), max_bytes, state: Mutex::new(state) })
    }

    /// Returns the bytes of an entry that has not expired at `now`.
    ///
    /// # Errors
    /// Fails when the file cannot be read.
    pub(super) fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, redb::Error> {
        let database = self.working(now)?.database.clone();
        let look = || {
            let entry = database.begin_read()?.open_table(ENTRIES)?.get(key)?;
            let entry = entry.filter(|entry| entry.value().0 > now);
            Ok(entry.map(|entry| entry.value().1.to_vec()))
        };
        look().inspect_err(|_: &redb::Error| self.state().fail(&database))
    }

    /// Stores an entry for a lifetime, and returns the entries that were removed for it.
    ///
    /// # Errors
    /// Fails when the file cannot be written; the entry is not stored then.
    pub(super) fn set(
        &self,
        key: &str,
        bytes: &[u8],
        now: u64,
        lifetime: Duration,
    ) -> Result<Vec<Left>, redb::Error> {
        let end = now.saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX));
        self.change(now, |entries, by_end, held| {
            let replaced = remove(entries, by_end, held, key)?;
            let replaced = replaced.map(|bytes| Left { cause: EvictionCause::Replaced, bytes });
            entries.insert(key, (end, bytes))?;
            by_end.insert((end, key), bytes.len() as u64)?;
            held.entries += 1;
            held.bytes += bytes.len() as u64;
            let mut left = make_room(entries, by_end, held, now, self.max_bytes)?;
            left.extend(replaced);
            Ok(left)
        })
    }

    /// Removes an entry and returns its size, or `None` if there was none.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub(super) fn delete(&self, key: &str, now: u64) -> Result<Option<u64>, redb::Error> {
        self.change(now, |entries, by_end, held| remove(entries, by_end, held, key))
    }

    /// Counts the stored entries, with those that have expired and are not yet removed.
    pub(super) fn held(&self) -> Held {
        self.state().held
    }

    /// Returns the most bytes that the store holds.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    fn change<R>(
        &self,
        now: u64,
        change: impl FnOnce(&mut Entries<'_>, &mut ByEnd<'_>, &mut Held) -> Result<R, redb::Error>,
    ) -> Result<R, redb::Error> {
        let mut state = self.working(now)?;
        let (mut held, database) = (state.held, state.database.clone());
        let syncs = state.writes.is_multiple_of(WRITES_PER_SYNC);
        let write = || {
            let mut write = database.begin_write()?;
            write.set_durability(if syncs { Durability::Immediate } else { Durability::None })?;
            let changed = {
                let (mut entries, mut by_end) =
                    (write.open_table(ENTRIES)?, write.open_table(BY_END)?);
                change(&mut entries, &mut by_end, &mut held)?
            };
            write.commit()?;
            Ok(changed)
        };
        let changed = write().inspect_err(|_: &redb::Error| state.fail(&database))?;
        state.writes += 1;
        state.held = held;
        Ok(changed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state, with a new file if the one before has failed and it is time to try.
    fn working(&self, now: u64) -> Result<MutexGuard<'_, State>, redb::Error> {
        let mut state = self.state();
        let Some(at) = state.failed_at else { return Ok(state) };
        // A clock that was set back must not put the next attempt off.
        if at != 0 && (at..at.saturating_add(PAUSE)).contains(&now) {
            return Err(redb::Error::PreviousIo);
        }
        state.failed_at = Some(now);
        state.database = Arc::new(empty(&self.make)?);
        (state.held, state.writes, state.failed_at) = (Held::default(), 0, None);
        tracing::info!("the cache has a new, empty file after its file had failed");
        Ok(state)
    }
}

impl State {
    /// Notes that this file failed, unless it was replaced already.
    fn fail(&mut self, database: &Arc<Database>) {
        if Arc::ptr_eq(&self.database, database) && self.failed_at.is_none() {
            self.failed_at = Some(0);
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("held", &self.held()).finish_non_exhaustive()
    }
}

/// Makes a file with empty tables.
fn empty(make: &impl Fn() -> Result<Database, redb::Error>) -> Result<Database, redb::Error> {
    let database = make()?;
    let write = database.begin_write()?;
    write.open_table(ENTRIES)?;
    write.open_table(BY_END)?;
    write.commit()?;
    Ok(database)
}

type Entries<'a> = Table<'a, &'static str, (u64, &'static [u8])>;
type ByEnd<'a> = Table<'a, (u64, &'static str), u64>;

fn remove(
    entries: &mut Entries<'_>,
    by_end: &mut ByEnd<'_>,
    held: &mut Held,
    key: &str,
) -> Result<Option<u64>, redb::Error> {
    let removed = entries.remove(key)?.map(|entry| {
        let (end, bytes) = entry.value();
        (end, bytes.len() as u64)
    });
    let Some((end, bytes)) = removed else { return Ok(None) };
    by_end.remove((end, key))?;
    held.entries -= 1;
    held.bytes -= bytes;
    Ok(Some(bytes))
}

/// Removes entries in order of expiry until none is expired and the rest fits.
fn make_room(
    entries: &mut Entries<'_>,
    by_end: &mut ByEnd<'_>,
    held: &mut Held,
    now: u64,
    max_bytes: u64,
) -> Result<Vec<Left>, redb::Error> {
    let mut left = Vec::new();
    loop {
        let first = by_end.first()?.map(|(at, bytes)| {
            let (end, key) = at.value();
            (end, key.to_owned(), bytes.value())
        });
        let Some((end, key, bytes)) = first else { return Ok(left) };
        let cause = match end {
            end if end <= now => EvictionCause::Expired,
            _ if held.bytes > max_bytes => EvictionCause::Size,
            _ => return Ok(left),
        };
        left.push(Left { cause, bytes });
        remove(entries, by_end, held, &key)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::StorageBackend;
    use redb::backends::InMemoryBackend;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn store(max_bytes: u64) -> (tempfile::TempDir, EmbeddedStore) {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("cache");
        let store = EmbeddedStore::create(move || Ok(Database::create(&path)?), max_bytes);
        (folder, store.expect("the folder is new"))
    }

    #[test]
    fn entry_is_there_until_its_time_is_over() {
        let (_folder, store) = store(100);
        store.set("a", b"tea", 1000, MINUTE).expect("it fits");
        assert_eq!(store.get("a", 60_999).expect("it can be read").as_deref(), Some(&b"tea"[..]));
        assert_eq!(store.get("a", 61_000).expect("it can be read"), None);
        let left = store.set("b", b"milk", 61_000, MINUTE).expect("it fits");
        assert_eq!(left, [Left { cause: EvictionCause::Expired, bytes: 3 }]);
        assert_eq!(store.held(), Held { entries: 1, bytes: 4 });
    }

    #[test]
    fn what_ends_first_makes_room() {
        let (_folder, store) = store(10);
        store.set("long", b"12345", 0, 2 * MINUTE).expect("it fits");
        store.set("short", b"12345", 0, MINUTE).expect("it fits");
        let left = store.set("new", b"1", 0, 3 * MINUTE).expect("there is made room");
        assert_eq!(left, [Left { cause: EvictionCause::Size, bytes: 5 }]);
        assert_eq!(store.get("short", 1).expect("it can be read"), None);
        assert!(store.get("long", 1).expect("it can be read").is_some());
    }

    #[test]
    fn replaced_and_deleted_entries_give_their_bytes_back() {
        let (_folder, store) = store(100);
        store.set("a", b"12345", 0, MINUTE).expect("it fits");
        let left = store.set("a", b"1", 0, MINUTE).expect("it fits");
        assert_eq!(left, [Left { cause: EvictionCause::Replaced, bytes: 5 }]);
        assert_eq!(store.held(), Held { entries: 1, bytes: 1 });
        assert_eq!(store.delete("a", 0).expect("it can be written"), Some(1));
        assert_eq!(store.delete("a", 0).expect("it can be written"), None);
        assert_eq!(store.held(), Held::default());
    }

    /// A disk that takes no more bytes while it is told to be full.
    #[derive(Debug, Default)]
    struct Disk {
        memory: InMemoryBackend,
        is_full: Arc<AtomicBool>,
    }

    impl Disk {
        fn check(&self) -> io::Result<()> {
            let is_full = self.is_full.load(Ordering::Relaxed);
            if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.memory.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.memory.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.check()?;
            self.memory.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.check()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.check()?;
            self.memory.write(offset, data)
        }
    }

    #[test]
    fn disk_that_was_full_is_used_again_once_it_has_room() {
        let is_full = Arc::<AtomicBool>::default();
        let disk = is_full.clone();
        let make = move || {
            let disk = Disk { is_full: disk.clone(), ..Disk::default() };
            Ok(Database::builder().create_with_backend(disk)?)
        };
        let store = EmbeddedStore::create(make, 1 << 20).expect("there is room");
        store.set("a", b"tea", 1000, MINUTE).expect("it fits");
        is_full.store(true, Ordering::Relaxed);
        let mut failures = 0;
        for n in 0..200_u32 {
            failures += u32::from(store.set(&n.to_string(), &[0; 512], 1000, MINUTE).is_err());
        }
        assert!(failures > 0, "the disk is full");
        assert!(store.set("b", b"milk", 1500, MINUTE).is_err());
        is_full.store(false, Ordering::Relaxed);
        store.set("c", b"milk", 3000, MINUTE).expect("there is room again");
        assert_eq!(store.get("c", 3000).expect("it can be read").as_deref(), Some(&b"milk"[..]));
        assert_eq!(store.held(), Held { entries: 1, bytes: 4 });
    }
}
