//! Wrappers of moka's caches that count lookups, loads and evictions.
//!
//! moka has no counts of its own. [`SyncCache`] and [`FutureCache`] wrap its caches and have
//! the same methods. Of calls on the bare cache only evictions and levels are seen.
//! The wrappers take care of four details:
//!
//! - A lookup that loads is one lookup: a hit if the entry was there, else a miss.
//! - If several callers miss the same key, one loads. The load is counted once, when it
//!   ends, and the other lookups are counted as coalesced. So misses are the sum of loads
//!   and coalesced lookups, unless callers are cancelled.
//! - moka disables an eviction listener for good when it panics. Ours does
//!   not panic, and catches panics of yours.
//! - Entries and weights are estimates until pending tasks run: a poll runs them
//!   first, once a tick and never on a scrape.
//!
//! A clone of a moka cache is the same cache, and there are no weak clones. So clones of a
//! wrapper share the cache by an `Arc`, to which the monitor holds a weak reference. After
//! the wrapper's last clone is dropped the levels are unknown, and after the cache's last
//! clone is dropped its counters are removed.

/// Declares the methods of a wrapper that differ in `async` and `.await` only.
macro_rules! wrapper {
    ($wrapper:ident, $cache:ident, [$($async:tt)?], [$($await:tt)*]) => {
        impl<K, V, S> $wrapper<K, V, S>
        where
            K: Eq + Hash + Send + Sync + 'static,
            V: Clone + Send + Sync + 'static,
            S: BuildHasher + Clone + Send + Sync + 'static,
        {
            pub(super) fn new(cache: $cache<K, V, S>, watched: Watched<K, V>) -> Self {
                let inner = Arc::new(Inner { cache, watched });
                let weak = Arc::downgrade(&inner);
                inner.watched.tier.poll(move || Some(Self::levels(&*weak.upgrade()?)));
                Self { inner }
            }

            fn levels(Inner { cache, watched }: &Inner<$cache<K, V, S>, K, V>) -> Levels {
                Self::run_pending_tasks(cache);
                watched.levels(cache.entry_count(), cache.weighted_size(), &cache.policy())
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
                let Inner { cache, watched } = &*self.inner;
                let size = watched.size(&key, &value);
                let timed = watched.tier.start(Operation::Set);
                cache.insert(key, value)$($await)*;
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
                &self.inner.watched.tier
            }

            /// The bare cache, for its other methods; lookups, writes and loads on it are not counted.
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

pub use builder::{Builder, MokaBuilder};
pub use future::FutureCache;
pub use sync::SyncCache;

/// The part that clones of a wrapper share: a cache of moka's, and its tier.
struct Inner<C, K, V> {
    cache: C,
    watched: builder::Watched<K, V>,
}
