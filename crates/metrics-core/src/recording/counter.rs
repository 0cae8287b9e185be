//! A number that goes up only.

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::context::Context;
use crate::recording::kinds::{Head, SeriesHandle};
use crate::recording::lanes::{self, Reader, Slot};
use crate::recording::remembered::Totals;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A handle to a counter; clones share the storage.
///
/// `inc` is a plain add in a cell of the calling thread: no lock, no atomic
/// read-modify-write, no allocation after the thread's first touch.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
///
/// const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.");
/// let registry = Registry::new();
/// let orders = registry.counter(&ORDERS, &[])?;
/// let same = orders.clone();
/// orders.inc();
/// same.add(2);
/// assert_eq!(orders.total(), 3);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Counter {
    slot: u32,
    core: Option<Arc<CounterCore>>,
}

#[derive(Debug)]
pub(crate) struct CounterCore {
    pub(crate) head: Head,
    slot: Slot<AtomicU64>,
    shared: AtomicU64,
    context: Arc<Context>,
}

impl Counter {
    /// A handle that counts nothing.
    pub const fn disabled() -> Self {
        Self { slot: u32::MAX, core: None }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<CounterCore>) -> Self {
        Self { slot: core.slot.index, core: Some(core) }
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.core.as_ref().map(|core| core.head.id)
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`; past 2⁶⁴ the total wraps.
    #[inline]
    pub fn add(&self, n: u64) {
        match lanes::cell(self.slot) {
            Some(word) => add_alone(word, n),
            None => self.add_first(n),
        }
    }

    /// Adds where the thread has no cell yet, or can have none.
    #[cold]
    fn add_first(&self, n: u64) {
        let Some(core) = &self.core else { return };
        match lanes::touch(self.slot, core.context.recording_bytes) {
            Some(word) => add_alone(word, n),
            None => {
                lanes::note_shared();
                core.shared.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// Returns the total now, summed over all threads.
    pub fn total(&self) -> u64 {
        self.core.as_ref().map_or(0, |core| core.total(&Reader::new()))
    }
}

impl SeriesHandle for Counter {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    /// Adds the number as an integer; the cast saturates and turns NaN into zero.
    fn apply(&self, value: f64) {
        self.add(value as u64);
    }

    /// The total: it changes with every add.
    fn mark(&self, reader: &Reader) -> Option<u64> {
        self.core.as_ref().map(|core| core.total(reader))
    }
}

impl CounterCore {
    pub(crate) fn new(head: Head, _desc: &OwnedDesc, context: &Arc<Context>) -> Self {
        Self { head, slot: Slot::take(), shared: AtomicU64::new(0), context: context.clone() }
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot.index
    }

    /// Returns the total over all threads.
    pub(crate) fn total(&self, reader: &Reader) -> u64 {
        reader.total(self.slot.index).wrapping_add(reader.shared(|| self.shared()))
    }

    /// Returns the total at which the series started, if it continues an expired one; else zero.
    pub(crate) fn resumed(&self) -> u64 {
        match self.head.resumed.as_deref() {
            Some(Totals::Counter(total)) => *total,
            _ => 0,
        }
    }

    /// Returns the part that threads without cells of their own added.
    pub(crate) fn shared(&self) -> u64 {
        self.shared.load(Ordering::Relaxed)
    }
}

/// Adds to a word that only this thread writes.
///
/// A load and a store take 0.4 ns; an atomic addition would lock the cache line and take 2 ns.
/// Relaxed, since no other memory depends on the value of a counter.
#[inline]
pub(crate) fn add_alone(word: &AtomicU64, n: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}
