//! moka's cache for threads.

use std::cell::Cell;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use ::moka::Equivalent;
use ::moka::sync::Cache;

use super::builder::Watched;
use crate::levels::{LevelSource, Levels};
use crate::words::{LoadOutcome, Operation};

/// A moka [`Cache`] for threads that is watched; made by a [`Builder`](super::Builder).
///
/// Clones share it. A lookup costs two clock reads, a counter and a histogram
/// record more than the bare cache's.
pub struct SyncCache<K, V, S = RandomState> {
    inner: Arc<Inner<K, V, S>>,
}

struct Inner<K, V, S> {
    cache: Cache<K, V, S>,
    watched: Watched<K, V>,
}

impl<K, V, S> SyncCache<K, V, S>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    pub(super) fn new(cache: Cache<K, V, S>, watched: Watched<K, V>) -> Self {
        let inner = Arc::new(Inner { cache, watched });
        inner.watched.tier.poll(&inner);
        Self { inner }
    }

    /// The value of a key, counted as a hit or a miss.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let lookup = self.tier().start(Operation::Get);
        lookup.looked_up(self.inner.cache.get(key))
    }

    /// The value of a key, loaded if it is not there; of callers that come together one loads.
    ///
    /// A load that panics is counted as cancelled.
    pub fn get_with(&self, key: K, load: impl FnOnce() -> V) -> V {
        match self.try_get_with(key, || Ok::<V, Infallible>(load())) {
            Ok(value) => value,
            Err(never) => match *never {},
        }
    }

    /// The value of a key, loaded if it is not there by what may fail.
    ///
    /// # Errors
    /// The load's own, for all who waited for it.
    pub fn try_get_with<E>(&self, key: K, load: impl FnOnce() -> Result<V, E>) -> Result<V, Arc<E>>
    where
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let Inner { cache, watched } = &*self.inner;
        let has_loaded = Cell::new(false);
        let entry = cache.entry(key).or_try_insert_with(|| {
            has_loaded.set(true);
            let timed = watched.tier.start(Operation::Load);
            let result = load();
            timed.loaded(LoadOutcome::of(&result));
            result
        });
        watched.missed(has_loaded.get(), entry)
    }

    /// Stores an entry.
    pub fn insert(&self, key: K, value: V) {
        let Inner { cache, watched } = &*self.inner;
        let size = watched.size(&key, &value);
        let timed = watched.tier.start(Operation::Set);
        cache.insert(key, value);
        timed.set(size);
    }

    /// Removes an entry and returns its value.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let timed = self.tier().start(Operation::Delete);
        let removed = self.inner.cache.remove(key);
        timed.deleted();
        removed
    }

    /// The bare cache, for what else it can; its lookups, writes and loads are not counted.
    pub fn cache(&self) -> &Cache<K, V, S> {
        &self.inner.cache
    }
}

shared!(SyncCache);

impl<K, V, S> LevelSource for Inner<K, V, S>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    fn levels(&self) -> Levels {
        let cache = &self.cache;
        cache.run_pending_tasks();
        self.watched.levels(cache.entry_count(), cache.weighted_size(), &cache.policy())
    }
}
