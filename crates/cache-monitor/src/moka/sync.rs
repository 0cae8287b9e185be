//! The wrapper of moka's sync cache.

use std::cell::Cell;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use ::moka::Equivalent;
use ::moka::sync::Cache;

use super::Inner;
use crate::levels::Levels;
use crate::words::{LoadOutcome, Operation};

/// A moka [`Cache`] for threads that is watched; made by [`Self::builder`].
///
/// Clones share it. Compared with the bare cache, a lookup costs two clock reads, a counter and a
/// histogram record more.
pub struct SyncCache<K, V, S = RandomState> {
    inner: Arc<Inner<Cache<K, V, S>, K, V>>,
}

wrapper!(SyncCache, Cache, [], []);

impl<K, V, S> SyncCache<K, V, S>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Looks up the value of a key, and loads it if it is missing; of concurrent callers one loads.
    ///
    /// A load that panics is counted as cancelled.
    pub fn get_with(&self, key: K, load: impl FnOnce() -> V) -> V {
        match self.try_get_with(key, || Ok::<V, Infallible>(load())) {
            Ok(value) => value,
            Err(never) => match *never {},
        }
    }

    /// Looks up the value of a key, and loads it if it is missing by a function that may fail.
    ///
    /// # Errors
    /// The error of the load, for every caller that waited for it.
    pub fn try_get_with<E>(&self, key: K, load: impl FnOnce() -> Result<V, E>) -> Result<V, Arc<E>>
    where
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let has_loaded = Cell::new(false);
        let entry = self.inner.cache.entry(key).or_try_insert_with(|| {
            has_loaded.set(true);
            let timed = self.tier().start(Operation::Load);
            let result = load();
            timed.loaded(LoadOutcome::of(&result));
            result
        });
        self.inner.missed(has_loaded.get(), entry)
    }

    fn run_pending_tasks(cache: &Cache<K, V, S>) {
        cache.run_pending_tasks();
    }
}
