//! The wrapper of moka's future cache.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use ::moka::future::{Cache, Iter, PredicateId};
use ::moka::ops::compute::{CompResult, Op};
use ::moka::{Entry, Equivalent, Policy, PredicateError};

use super::Inner;
use super::selector::{Lookup, NoValue};
use crate::levels::Levels;
use crate::words::{LoadOutcome, Operation};

/// The type of a load.
macro_rules! load {
    ($value:ty) => { impl Future<Output = $value> };
}

/// Runs a load.
macro_rules! run {
    ($load:ident) => {
        $load.await
    };
}

/// Makes a load of an expression.
macro_rules! lazy {
    ($value:expr) => {
        async { $value }
    };
}

/// A moka [`Cache`] for tasks that is watched; made by [`Self::builder`].
///
/// Clones share it. Compared with the bare cache, a lookup costs two clock reads, a counter and a
/// histogram record more. Each call is as cancel safe as moka's own, and a cancelled one is counted
/// as cancelled.
pub struct FutureCache<K, V, S = RandomState> {
    inner: Arc<Inner<Cache<K, V, S>, K, V>>,
}

wrapper!(FutureCache, Cache, [async], [.await]);

selector!(
    /// The entry of a key, from [`FutureCache::entry`].
    OwnedEntry[], K, [&], Cache.entry, [async], [.await]
);
selector!(
    /// The entry of a borrowed key, from [`FutureCache::entry_by_ref`].
    RefEntry[Q], &'a Q, [], Cache.entry_by_ref, [async], [.await]
);

/// Declares the computations of a selected entry.
macro_rules! computes {
    ($name:ident[$($q:ident)?], $select:ident) => {
        impl<K, $($q,)? V, S> $name<'_, K, $($q,)? V, S>
        where
            K: Eq + Hash + Send + Sync + 'static,
            $($q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,)?
            V: Clone + Send + Sync + 'static,
            S: BuildHasher + Clone + Send + Sync + 'static,
        {
            /// Stores the value that `f` makes of the present entry; it counts as a write.
            pub async fn and_upsert_with<F: Future<Output = V>>(
                self,
                f: impl FnOnce(Option<Entry<K, V>>) -> F,
            ) -> Entry<K, V> {
                let timed = self.inner.tier.start(Operation::Set);
                let entry = self.inner.cache.$select(self.key).and_upsert_with(f).await;
                timed.set(self.inner.size(entry.key(), entry.value()));
                entry
            }

            /// Stores or removes the entry as `f` decides; it counts as a write or a removal, or
            /// as a lookup if nothing changes.
            pub async fn and_compute_with<F: Future<Output = Op<V>>>(
                self,
                f: impl FnOnce(Option<Entry<K, V>>) -> F,
            ) -> CompResult<K, V> {
                let timed = self.inner.tier.start(Operation::Set);
                let result = self.inner.cache.$select(self.key).and_compute_with(f).await;
                self.inner.computed(timed, &result);
                result
            }

            /// Stores or removes the entry as `f` decides, unless it fails.
            ///
            /// # Errors
            /// That of `f`, which counts as a failed write.
            pub async fn and_try_compute_with<E, F>(
                self,
                f: impl FnOnce(Option<Entry<K, V>>) -> F,
            ) -> Result<CompResult<K, V>, E>
            where
                E: Send + Sync + 'static,
                F: Future<Output = Result<Op<V>, E>>,
            {
                let timed = self.inner.tier.start(Operation::Set);
                let result = self.inner.cache.$select(self.key).and_try_compute_with(f).await;
                match &result {
                    Ok(result) => self.inner.computed(timed, result),
                    Err(_) => timed.failed(),
                }
                result
            }
        }
    };
}

computes!(OwnedEntry[], entry);
computes!(RefEntry[Q], entry_by_ref);

/// Polls the tasks' future once, since the caller is not async. It is pending only if another
/// caller runs the tasks at this moment.
fn run_tasks<K, V, S>(cache: &Cache<K, V, S>)
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    let mut pending = pin!(cache.run_pending_tasks());
    let _ = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}
