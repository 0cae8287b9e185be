//! moka's cache for tasks.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use ::moka::Equivalent;
use ::moka::future::Cache;

use super::builder::Watched;
use crate::levels::{LevelSource, Levels};
use crate::words::{LoadOutcome, Operation};

/// A moka [`Cache`] for tasks that is watched; made by a [`Builder`](super::Builder).
///
/// Clones share it. A lookup costs two clock reads, a counter and a histogram
/// record more than the bare cache's. Each call is as cancel safe as moka's own,
/// and one that is cancelled is counted as that.
pub struct FutureCache<K, V, S = RandomState> {
    inner: Arc<Inner<K, V, S>>,
}

struct Inner<K, V, S> {
    cache: Cache<K, V, S>,
    watched: Watched<K, V>,
}

impl<K, V, S> FutureCache<K, V, S>
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
    pub async fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let lookup = self.tier().start(Operation::Get);
        lookup.looked_up(self.inner.cache.get(key).await)
    }

    /// The value of a key, loaded if it is not there; of callers that come together one loads.
    ///
    /// When that one goes away the next one loads, and both loads are counted:
    /// the first as cancelled, as is one that panics.
    pub async fn get_with(&self, key: K, load: impl Future<Output = V>) -> V {
        let load = async { Ok::<V, Infallible>(load.await) };
        match self.try_get_with(key, load).await {
            Ok(value) => value,
            Err(never) => match *never {},
        }
    }

    /// The value of a key, loaded if it is not there by what may fail.
    ///
    /// # Errors
    /// The load's own, for all who waited for it.
    pub async fn try_get_with<E>(
        &self,
        key: K,
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, Arc<E>>
    where
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.get(&key).await {
            return Ok(value);
        }
        let Inner { cache, watched } = &*self.inner;
        let has_loaded = AtomicBool::new(false);
        let load = async {
            has_loaded.store(true, Ordering::Relaxed);
            let timed = watched.tier.start(Operation::Load);
            let result = load.await;
            timed.loaded(LoadOutcome::of(&result));
            result
        };
        let entry = cache.entry(key).or_try_insert_with(load).await;
        watched.missed(has_loaded.load(Ordering::Relaxed), entry)
    }

    /// Stores an entry.
    pub async fn insert(&self, key: K, value: V) {
        let Inner { cache, watched } = &*self.inner;
        let size = watched.size(&key, &value);
        let timed = watched.tier.start(Operation::Set);
        cache.insert(key, value).await;
        timed.set(size);
    }

    /// Removes an entry and returns its value.
    pub async fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let timed = self.tier().start(Operation::Delete);
        let removed = self.inner.cache.remove(key).await;
        timed.deleted();
        removed
    }

    /// The bare cache, for what else it can; its lookups, writes and loads are not counted.
    pub fn cache(&self) -> &Cache<K, V, S> {
        &self.inner.cache
    }
}

shared!(FutureCache);

impl<K, V, S> LevelSource for Inner<K, V, S>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// A poll has no runtime to wait in. Pending tasks wait for nothing but each
    /// other, so one look runs them, unless a caller is at it already.
    fn levels(&self) -> Levels {
        let cache = &self.cache;
        let mut pending = pin!(cache.run_pending_tasks());
        let _ = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.watched.levels(cache.entry_count(), cache.weighted_size(), &cache.policy())
    }
}
