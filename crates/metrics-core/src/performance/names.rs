//! Handles by name: a table of each thread over one that all share.
//!
//! The shared table keeps the series alive; a thread's own saves it the lock.
//! Both hold only names that the registry did not fold, cut as labels are, so
//! they are as bounded as the series. A thread's table belongs to one monitor
//! at a time and is emptied when names expire, so that it keeps no series that
//! nobody uses.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::counter::Counter;
use crate::families::RegisterError;
use crate::hit_ratio::HitRatio;
use crate::labels::bounded;
use crate::lanes::Reader;
use crate::latency::Latency;
use crate::registry::Folding;
use crate::sync::{Mutex, lock};

/// How often idle names are looked for.
const EXPIRY_PERIOD: Duration = Duration::from_secs(30);

type Table<T> = HashMap<Box<str>, T, BuildHasherDefault<Fnv>>;

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::default();
}

#[derive(Default)]
struct Local {
    /// The [`Names::id`] whose handles these are.
    owner: u64,
    /// The [`Names::expiries`] as of which they are right.
    expiries: u64,
    table: Table<Handles>,
}

/// What a name was used for.
#[derive(Clone, Debug, Default)]
pub(super) struct Handles {
    pub(super) latency: Option<Latency>,
    pub(super) throughput: Option<Counter>,
    pub(super) cache: Option<HitRatio>,
}

impl Handles {
    /// A number that changes with every record.
    fn mark(&self, reader: &Reader) -> u64 {
        let latency = self.latency.as_ref().map_or(0, |latency| latency.mark(reader));
        let counters = self.throughput.iter();
        let lookups = self.cache.iter().flat_map(|cache| [&cache.hits, &cache.misses]);
        counters.chain(lookups).fold(latency, |sum, counter| sum.wrapping_add(counter.mark(reader)))
    }
}

/// The names of one monitor.
#[derive(Debug)]
pub(super) struct Names {
    id: u64,
    expiries: AtomicU64,
    clock: Clock,
    idle_expiry: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    table: Table<Entry>,
    looked: Duration,
}

#[derive(Debug, Default)]
struct Entry {
    handles: Handles,
    /// The mark when it was last seen to change, and when that was.
    mark: u64,
    changed: Duration,
}

impl Names {
    pub(super) fn new(clock: Clock, idle_expiry: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            expiries: AtomicU64::new(0),
            clock,
            idle_expiry,
            known: Mutex::default(),
        }
    }

    /// Records through the handle of a name, which `register` makes if need be.
    #[inline]
    pub(super) fn record<H: Clone>(
        &self,
        name: &str,
        pick: fn(&mut Handles) -> &mut Option<H>,
        register: impl FnOnce(&str) -> Result<(H, Folding), RegisterError>,
        record: impl Fn(&H),
    ) {
        let name = bounded(name);
        let recorded = LOCAL.try_with(|local| {
            // Borrowed only if a record were to call back into itself.
            let Ok(mut local) = local.try_borrow_mut() else { return false };
            local.follow(self);
            let handle = local.table.get_mut(name).and_then(|handles| pick(handles).as_ref());
            handle.map(&record).is_some()
        });
        if recorded != Ok(true) {
            self.record_first(name, pick, register, record);
        }
    }

    #[cold]
    fn record_first<H: Clone>(
        &self,
        name: &str,
        pick: fn(&mut Handles) -> &mut Option<H>,
        register: impl FnOnce(&str) -> Result<(H, Folding), RegisterError>,
        record: impl Fn(&H),
    ) {
        // Refused only where the registry is out of metric names: there is no
        // cell to record into, and nobody here to tell.
        let Ok((handle, folding)) = register(name) else { return };
        record(&handle);
        if folding == Folding::Folded {
            return;
        }
        let mut known = lock(&self.known);
        let entry = known
            .table
            .entry(name.into())
            .or_insert_with(|| Entry { changed: self.clock.uptime(), ..Entry::default() });
        *pick(&mut entry.handles) = Some(handle.clone());
        drop(known);
        let _ = LOCAL.try_with(|local| {
            if let Ok(mut local) = local.try_borrow_mut() {
                local.follow(self);
                *pick(local.table.entry(name.into()).or_default()) = Some(handle);
            }
        });
    }

    /// Lets go of names that were idle too long; looks twice a minute.
    pub(super) fn expire(&self) {
        let now = self.clock.uptime();
        let mut known = lock(&self.known);
        if now < known.looked + EXPIRY_PERIOD {
            return;
        }
        known.looked = now;
        let reader = Reader::new();
        let before = known.table.len();
        known.table.retain(|_, entry| {
            let mark = entry.handles.mark(&reader);
            if mark != entry.mark {
                (entry.mark, entry.changed) = (mark, now);
            }
            now < entry.changed + self.idle_expiry
        });
        if known.table.len() != before {
            self.expiries.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Local {
    /// Forgets what belongs to another monitor, or to a time before names expired.
    fn follow(&mut self, names: &Names) {
        let expiries = names.expiries.load(Ordering::Relaxed);
        if (self.owner, self.expiries) != (names.id, expiries) {
            self.table.clear();
            (self.owner, self.expiries) = (names.id, expiries);
        }
    }
}

/// FNV-1a: short keys, bounded tables, and no need to resist chosen keys.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
