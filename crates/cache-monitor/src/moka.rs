//! Wrappers of moka's caches that count lookups, loads and evictions.
//!
//! moka has no counts of its own. [`SyncCache`] and [`FutureCache`] wrap its caches and have the
//! same methods, each of which counts once. `contains_key` and `iter` look nothing up for a caller
//! and are not counted, as in other caches. Calls on the bare cache show in evictions and levels only. The wrappers take care of
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
                run_tasks(cache);
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

            /// Looks up the value of a key, and loads it if it is missing; of concurrent callers
            /// one loads.
            ///
            /// A load that panics or is cancelled is counted as cancelled; then the next caller
            /// loads.
            pub $($async)? fn get_with(&self, key: K, init: load!(V)) -> V {
                let init = lazy!(Ok::<V, Infallible>(run!(init)));
                match self.try_get_with(key, init)$($await)* {
                    Ok(value) => value,
                    Err(never) => match *never {},
                }
            }

            /// Like [`Self::get_with`], with a key that is cloned only if the entry is missing.
            pub $($async)? fn get_with_by_ref<Q>(&self, key: &Q, init: load!(V)) -> V
            where
                Q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,
            {
                let init = lazy!(Ok::<V, Infallible>(run!(init)));
                match self.try_get_with_by_ref(key, init)$($await)* {
                    Ok(value) => value,
                    Err(never) => match *never {},
                }
            }

            /// Looks up the value of a key, and loads it if it is missing; `None` if there is no
            /// value, which counts as a failed load.
            pub $($async)? fn optionally_get_with(
                &self,
                key: K,
                init: load!(Option<V>),
            ) -> Option<V> {
                let init = lazy!(run!(init).ok_or(NoValue));
                self.try_get_with(key, init)$($await)*.ok()
            }

            /// Like [`Self::optionally_get_with`], with a key that is cloned only if the entry is
            /// missing.
            pub $($async)? fn optionally_get_with_by_ref<Q>(
                &self,
                key: &Q,
                init: load!(Option<V>),
            ) -> Option<V>
            where
                Q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,
            {
                let init = lazy!(run!(init).ok_or(NoValue));
                self.try_get_with_by_ref(key, init)$($await)*.ok()
            }

            /// Looks up the value of a key, and loads it if it is missing by what may fail.
            ///
            /// # Errors
            /// The error of the load, for every caller that waited for it.
            pub $($async)? fn try_get_with<E>(
                &self,
                key: K,
                init: load!(Result<V, E>),
            ) -> Result<V, Arc<E>>
            where
                E: Send + Sync + 'static,
            {
                if let Some(value) = self.get(&key)$($await)* {
                    return Ok(value);
                }
                let lookup = Lookup::missed(self.tier());
                let load = lazy!(loaded!(lookup, init));
                let entry = self.inner.cache.entry(key).or_try_insert_with(load)$($await)*;
                lookup.end(&self.inner, entry).map(Entry::into_value)
            }

            /// Like [`Self::try_get_with`], with a key that is cloned only if the entry is missing.
            ///
            /// # Errors
            /// As for [`Self::try_get_with`].
            pub $($async)? fn try_get_with_by_ref<E, Q>(
                &self,
                key: &Q,
                init: load!(Result<V, E>),
            ) -> Result<V, Arc<E>>
            where
                E: Send + Sync + 'static,
                Q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,
            {
                if let Some(value) = self.get(key)$($await)* {
                    return Ok(value);
                }
                let lookup = Lookup::missed(self.tier());
                let load = lazy!(loaded!(lookup, init));
                let entry = self.inner.cache.entry_by_ref(key).or_try_insert_with(load)$($await)*;
                lookup.end(&self.inner, entry).map(Entry::into_value)
            }

            /// Selects the entry of a key, to insert it if it is missing or to compute its value.
            pub fn entry(&self, key: K) -> OwnedEntry<'_, K, V, S> {
                OwnedEntry { inner: &self.inner, key }
            }

            /// Selects the entry of a key that is cloned only if the entry is missing.
            pub fn entry_by_ref<'a, Q>(&'a self, key: &'a Q) -> RefEntry<'a, K, Q, V, S>
            where
                Q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,
            {
                RefEntry { inner: &self.inner, key }
            }

            /// Returns `true` if there is an entry for the key; it is not counted as a lookup.
            pub fn contains_key<Q>(&self, key: &Q) -> bool
            where
                Q: Equivalent<K> + Hash + ?Sized,
            {
                self.inner.cache.contains_key(key)
            }

            /// Removes an entry.
            pub $($async)? fn invalidate<Q>(&self, key: &Q)
            where
                Q: Equivalent<K> + Hash + ?Sized,
            {
                let timed = self.tier().start(Operation::Delete);
                self.inner.cache.invalidate(key)$($await)*;
                timed.deleted();
            }

            /// Removes all entries; it counts as one removal, and each entry as evicted when the
            /// cache has got to it.
            pub fn invalidate_all(&self) {
                let timed = self.tier().start(Operation::Delete);
                self.inner.cache.invalidate_all();
                timed.deleted();
            }

            /// Removes the entries for which the closure returns `true`, as
            /// [`Self::invalidate_all`] removes all.
            ///
            /// # Errors
            /// [`PredicateError`] unless moka's builder had `support_invalidation_closures`.
            pub fn invalidate_entries_if(
                &self,
                predicate: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
            ) -> Result<PredicateId, PredicateError> {
                let timed = self.tier().start(Operation::Delete);
                let removed = self.inner.cache.invalidate_entries_if(predicate);
                match &removed {
                    Ok(_) => timed.deleted(),
                    Err(_) => timed.failed(),
                }
                removed
            }

            /// Iterates over all entries; that is not counted as a lookup.
            pub fn iter(&self) -> Iter<'_, K, V> {
                self.inner.cache.iter()
            }

            /// Runs moka's pending maintenance tasks, as each poll does.
            pub $($async)? fn run_pending_tasks(&self) {
                self.inner.cache.run_pending_tasks()$($await)*;
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

            /// The number of entries, as far as moka knows it.
            pub fn entry_count(&self) -> u64 {
                self.inner.cache.entry_count()
            }

            /// The weight of all entries, as far as moka knows it.
            pub fn weighted_size(&self) -> u64 {
                self.inner.cache.weighted_size()
            }

            /// The name that moka's builder was given.
            pub fn name(&self) -> Option<&str> {
                self.inner.cache.name()
            }

            /// The capacity and the times after which entries expire.
            pub fn policy(&self) -> Policy {
                self.inner.cache.policy()
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
#[macro_use]
mod selector;
pub mod future;
pub mod sync;

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
}
