//! Wrappers of moka's caches that count lookups, loads and evictions.
//!
//! moka has no counts of its own. [`SyncCache`] and [`FutureCache`] wrap its caches and have the
//! same methods. Calls on the bare cache show in evictions and levels only. The wrappers take care of
//! four details:
//!
//! - A lookup that loads is one lookup: a hit if the entry was there, else a miss.
//! - If several callers miss the same key, one loads. The load is counted once, when it ends, and
//!   the other lookups are counted as coalesced. So misses are the sum of loads and coalesced
//!   lookups, unless callers are cancelled.
//! - moka disables an eviction listener for good when it panics. Ours does not panic, and catches
//!   panics of yours.
//! - Entries and weights are estimates until pending tasks run: a poll runs them first, once a tick
//!   and never on a scrape.
//!
//! A clone of a moka cache is the same cache, and there are no weak clones. So clones of a wrapper
//! share the cache by an `Arc`, to which the monitor holds a weak reference. After the wrapper's
//! last clone is dropped the levels are unknown, and after the cache's last clone is dropped its
//! counters are removed.

use std::sync::Arc;

use ::moka::Entry;

use crate::tier::Tier;
use crate::words::Size;
use builder::Weigher;

/// Declares the methods of a wrapper that differ in `async` and `.await` only.
macro_rules! wrapper {
    ($wrapper:ident, $cache:ident, [$($async:tt)?], [$($await:tt)*]) => {
        impl<K, V, S> $wrapper<K, V, S>
        where
            K: Eq + Hash + Send + Sync + 'static,
            V: Clone + Send + Sync + 'static,
            S: BuildHasher + Clone + Send + Sync + 'static,
        {
            pub(super) fn new(inner: Inner<$cache<K, V, S>, K, V>) -> Self {
                let inner = Arc::new(inner);
                let weak = Arc::downgrade(&inner);
                inner.tier.poll(move || Some(Self::levels(&*weak.upgrade()?)));
                Self { inner }
            }

            /// Returns moka's own numbers; with a weigher their unit is bytes.
            fn levels(Inner { cache, weigher, .. }: &Inner<$cache<K, V, S>, K, V>) -> Levels {
                Self::run_pending_tasks(cache);
                let (entries, max) = (Some(cache.entry_count()), cache.policy().max_capacity());
                if weigher.is_none() {
                    return Levels { entries, max_entries: max, ..Levels::default() };
                }
                let bytes = Some(cache.weighted_size());
                Levels { entries, bytes, max_bytes: max, max_entries: None }
            }

            /// Looks up the value of a key, and counts a hit or a miss.
            pub $($async)? fn get<Q>(&self, key: &Q) -> Option<V>
            where
                Q: Equivalent<K> + Hash + ?Sized,
            {
                let lookup = self.tier().start(Operation::Get);
                lookup.looked_up(self.inner.cache.get(key)$($await)*)
            }

            /// Stores an entry.
            pub $($async)? fn insert(&self, key: K, value: V) {
                let size = self.inner.size(&key, &value);
                let timed = self.tier().start(Operation::Set);
                self.inner.cache.insert(key, value)$($await)*;
                timed.set(size);
            }

            /// Removes an entry and returns its value.
            pub $($async)? fn remove<Q>(&self, key: &Q) -> Option<V>
            where
                Q: Equivalent<K> + Hash + ?Sized,
            {
                let timed = self.tier().start(Operation::Delete);
                let removed = self.inner.cache.remove(key)$($await)*;
                timed.deleted();
                removed
            }
        }

        impl<K, V, S> $wrapper<K, V, S> {
            /// The tier that its metrics are recorded for.
            pub fn tier(&self) -> &$crate::Tier {
                &self.inner.tier
            }

            /// The bare cache; lookups, writes and loads on it are not counted.
            pub fn cache(&self) -> &$cache<K, V, S> {
                &self.inner.cache
            }
        }

        impl<K, V, S> Clone for $wrapper<K, V, S> {
            fn clone(&self) -> Self {
                Self { inner: self.inner.clone() }
            }
        }

        impl<K, V, S> std::fmt::Debug for $wrapper<K, V, S> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($wrapper))
                    .field("tier", self.tier())
                    .finish_non_exhaustive()
            }
        }
    };
}

mod builder;
mod future;
mod sync;

pub use builder::Builder;
pub use future::FutureCache;
pub use sync::SyncCache;

/// The part that clones of a wrapper share: moka's cache, its tier, the weigher of its entries.
struct Inner<C, K, V> {
    cache: C,
    tier: Tier,
    weigher: Option<Arc<Weigher<K, V>>>,
}

impl<C, K, V> Inner<C, K, V> {
    /// The bytes of an entry.
    fn size(&self, key: &K, value: &V) -> Size {
        match &self.weigher {
            Some(weigher) => Size::Plain(weigher(key, value).into()),
            None => Size::Unknown,
        }
    }

    /// Counts a miss as a load or as coalesced, and returns the value.
    fn missed<E>(&self, has_loaded: bool, entry: Result<Entry<K, V>, E>) -> Result<V, E>
    where
        V: Clone,
    {
        if !has_loaded {
            self.tier.coalesced();
        } else if let Ok(entry) = &entry {
            self.tier.stored(self.size(entry.key(), entry.value()));
        }
        entry.map(Entry::into_value)
    }
}
