//! A thread's cache of handles.
//!
//! The facade's macros request a handle from the recorder on every call. A thread finds
//! it in its own cache by the key's precomputed hash, without a lock and without a
//! reference count that other threads change too. The cache holds only keys that the
//! recorder remembers, so it is bounded in the same way.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, SharedString, Unit};

use crate::directory::Directory;
use crate::series::{Form, Series};

/// The number of dropped recorders in this process; a thread that has seen fewer may hold stale handles.
static ENDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static MEMORY: Memory = const { Memory::new() };
}

/// Makes each thread drop the handles of ended recorders when it next asks for a handle.
pub(crate) fn note_end() {
    ENDED.fetch_add(1, Ordering::Relaxed);
}

/// Returns the thread's own handle of a key, and makes one if it has none.
#[inline]
pub(crate) fn handle<H: Handle>(directory: &Arc<Directory>, key: &Key) -> H {
    let found = MEMORY.try_with(|memory| {
        if memory.is_publishing.get() {
            return Some(H::of(None));
        }
        if memory.ended.get() != ENDED.load(Ordering::Relaxed) {
            memory.forget_ended();
        }
        H::shelf(memory).find(directory, key)
    });
    // The cache is destroyed at the thread's end.
    found.ok().flatten().unwrap_or_else(|| first_handle(directory, key))
}

#[cold]
fn first_handle<H: Handle>(directory: &Arc<Directory>, key: &Key) -> H {
    let found = directory.find(H::FORM, key);
    let handle = H::of(found.series);
    if found.is_remembered {
        let _ = MEMORY.try_with(|memory| H::shelf(memory).keep(directory, key, handle.clone()));
    }
    handle
}

/// Describes a metric, unless the thread passed the same description before.
pub(crate) fn describe(
    directory: &Arc<Directory>,
    name: KeyName,
    unit: Option<Unit>,
    text: SharedString,
) {
    let owner = Arc::as_ptr(directory);
    let is_done = MEMORY.try_with(|memory| {
        memory.is_publishing.get()
            || memory.described.try_borrow().is_ok_and(|described| {
                described.get(&name).is_some_and(|last| {
                    last.owner.as_ptr() == owner && last.unit == unit && last.text == text
                })
            })
    });
    if is_done.unwrap_or_default() || !directory.describe(&name, unit, &text) {
        return;
    }
    let last = LastDescription { owner: Arc::downgrade(directory), unit, text };
    let _ = MEMORY.try_with(|memory| {
        if let Ok(mut described) = memory.described.try_borrow_mut() {
            described.insert(name.to_retained(), last);
        }
    });
}

/// A guard: until it is dropped, recorders return handles to this thread that do nothing.
pub(crate) struct Publishing {
    before: bool,
}

impl Publishing {
    pub(crate) fn start() -> Self {
        let before = MEMORY.try_with(|memory| memory.is_publishing.replace(true));
        Self { before: before.unwrap_or_default() }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        let _ = MEMORY.try_with(|memory| memory.is_publishing.set(self.before));
    }
}

/// A handle of the facade.
pub(crate) trait Handle: Clone + 'static {
    const FORM: Form;

    /// Creates a handle of the series; without one it does nothing.
    fn of(series: Option<Series>) -> Self;

    fn shelf(memory: &Memory) -> &Shelf<Self>;
}

macro_rules! handle {
    ($($handle:ident, $series:ident, $shelf:ident;)*) => { $(
        impl Handle for $handle {
            const FORM: Form = Form::$handle;

            fn of(series: Option<Series>) -> Self {
                series.map_or(Self::noop(), Series::$series)
            }

            fn shelf(memory: &Memory) -> &Shelf<Self> {
                &memory.$shelf
            }
        }
    )* };
}

handle! {
    Counter, counter, counters;
    Gauge, gauge, gauges;
    Histogram, histogram, histograms;
}

pub(crate) struct Memory {
    counters: Shelf<Counter>,
    gauges: Shelf<Gauge>,
    histograms: Shelf<Histogram>,
    described: RefCell<HashMap<KeyName, LastDescription, BuildHasherDefault<Mixed>>>,
    /// The value of [`ENDED`] when handles of ended recorders were last dropped.
    ended: Cell<u64>,
    is_publishing: Cell<bool>,
}

/// The last description that the thread passed on for a name.
struct LastDescription {
    owner: Weak<Directory>,
    unit: Option<Unit>,
    text: SharedString,
}

impl Memory {
    const fn new() -> Self {
        Self {
            counters: Shelf::new(),
            gauges: Shelf::new(),
            histograms: Shelf::new(),
            described: RefCell::new(HashMap::with_hasher(BuildHasherDefault::new())),
            ended: Cell::new(0),
            is_publishing: Cell::new(false),
        }
    }

    #[cold]
    fn forget_ended(&self) {
        self.ended.set(ENDED.load(Ordering::Relaxed));
        self.counters.forget_ended();
        self.gauges.forget_ended();
        self.histograms.forget_ended();
        if let Ok(mut described) = self.described.try_borrow_mut() {
            described.retain(|_, last| last.owner.strong_count() > 0);
        }
    }
}

/// The handles of one form, by the hashes of their keys.
pub(crate) struct Shelf<H>(RefCell<HashMap<u64, Entry<H>, BuildHasherDefault<Mixed>>>);

struct Entry<H> {
    owner: Weak<Directory>,
    key: Key,
    handle: H,
}

impl<H: Clone> Shelf<H> {
    const fn new() -> Self {
        Self(RefCell::new(HashMap::with_hasher(BuildHasherDefault::new())))
    }

    #[inline]
    fn find(&self, directory: &Arc<Directory>, key: &Key) -> Option<H> {
        // It is borrowed already only if the global allocator records metrics itself and is called
        // while the cache is in use.
        let entries = self.0.try_borrow().ok()?;
        let entry = entries.get(&place(directory, key))?;
        let is_right = entry.owner.as_ptr() == Arc::as_ptr(directory) && is_same(&entry.key, key);
        is_right.then(|| entry.handle.clone())
    }

    /// Keeps a handle; if two keys have the same hash, the later one replaces the other.
    fn keep(&self, directory: &Arc<Directory>, key: &Key, handle: H) {
        let entry = Entry { owner: Arc::downgrade(directory), key: key.to_retained(), handle };
        if let Ok(mut entries) = self.0.try_borrow_mut() {
            entries.insert(place(directory, key), entry);
        }
    }

    fn forget_ended(&self) {
        if let Ok(mut entries) = self.0.try_borrow_mut() {
            entries.retain(|_, entry| entry.owner.strong_count() > 0);
        }
    }
}

/// Compares two keys, at first label by label: the facade's `==` sorts the labels of both.
#[inline]
fn is_same(kept: &Key, key: &Key) -> bool {
    kept.name() == key.name() && kept.labels().eq(key.labels()) || kept == key
}

#[inline]
fn place(directory: &Arc<Directory>, key: &Key) -> u64 {
    key.get_hash().wrapping_add(Arc::as_ptr(directory).addr() as u64)
}

/// A hasher that uses a precomputed hash as it is, and hashes text word by word.
#[derive(Default)]
pub(crate) struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = u128::from(self.0 ^ u64::from_le_bytes(word)) * 0x9e37_79b9_7f4a_7c15;
            self.0 = mixed as u64 ^ (mixed >> 64) as u64;
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
