//! The wrapper of moka's future cache.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use ::moka::Equivalent;
use ::moka::future::Cache;

use super::Inner;
use crate::levels::Levels;
use crate::words::{LoadOutcome, Operation};

/// A moka [`Cache`] for tasks that is watched; made by [`Self::builder`].
///
/// Clones share it. Compared with the bare cache, a lookup costs two clock reads, a counter and a
/// histogram record more. Each call is as cancel safe as moka's own, and a cancelled one is counted
/// as cancelled.
pub struct FutureCache<K, V, S = RandomState> {
    inner: Arc<Inner<Cache<K, V, S>, K, V>>,
}

wrapper!(FutureCache, Cache, [async], [.await]);

impl<K, V, S> FutureCache<K, V, S>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Looks up the value of a key, and loads it if it is missing; of concurrent callers one loads.
    ///
    /// If that caller is cancelled, the next one loads. Both loads are counted, the first one as
    /// cancelled. A load that panics is counted as cancelled too.
    pub async fn get_with(&self, key: K, load: impl Future<Output = V>) -> V {
        let load = async { Ok::<V, Infallible>(load.await) };
        match self.try_get_with(key, load).await {
            Ok(value) => value,
            Err(never) => match *never {},
        }
    }

    /// Looks up the value of a key, and loads it if it is missing by a future that may fail.
    ///
    /// # Errors
    /// The error of the load, for every caller that waited for it.
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
        let has_loaded = AtomicBool::new(false);
        let load = async {
            has_loaded.store(true, Ordering::Relaxed);
            let timed = self.tier().start(Operation::Load);
            let result = load.await;
            timed.loaded(LoadOutcome::of(&result));
            result
        };
        let entry = self.inner.cache.entry(key).or_try_insert_with(load).await;
        self.inner.missed(has_loaded.load(Ordering::Relaxed), entry)
    }

    /// Polls the tasks' future once, since the caller is not async. It is pending only if another
    /// caller runs the tasks at this moment.
    fn run_pending_tasks(cache: &Cache<K, V, S>) {
        let mut pending = pin!(cache.run_pending_tasks());
        let _ = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}
