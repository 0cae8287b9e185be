//! The wrapper of moka's sync cache.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use ::moka::ops::compute::{CompResult, Op};
use ::moka::sync::{Cache, Iter, PredicateId};
use ::moka::{Entry, Equivalent, Policy, PredicateError};

use super::Inner;
use super::selector::{Lookup, NoValue};
use crate::levels::Levels;
use crate::words::{LoadOutcome, Operation};

/// The type of a load.
macro_rules! load {
    ($value:ty) => { impl FnOnce() -> $value };
}

/// Runs a load.
macro_rules! run {
    ($load:ident) => {
        $load()
    };
}

/// Makes a load of an expression.
macro_rules! lazy {
    ($value:expr) => {
        || $value
    };
}

/// A moka [`Cache`] for threads that is watched; made by [`Self::builder`].
///
/// Clones share it. Compared with the bare cache, a lookup costs two clock reads, a counter and a
/// histogram record more.
pub struct SyncCache<K, V, S = RandomState> {
    inner: Arc<Inner<Cache<K, V, S>, K, V>>,
}

wrapper!(SyncCache, Cache, [], []);

selector!(
    /// The entry of a key, from [`SyncCache::entry`].
    OwnedEntry[], K, [&], Cache.entry, [], []
);
selector!(
    /// The entry of a borrowed key, from [`SyncCache::entry_by_ref`].
    RefEntry[Q], &'a Q, [], Cache.entry_by_ref, [], []
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
            pub fn and_upsert_with(self, f: impl FnOnce(Option<Entry<K, V>>) -> V) -> Entry<K, V> {
                let timed = self.inner.tier.start(Operation::Set);
                let entry = self.inner.cache.$select(self.key).and_upsert_with(f);
                timed.set(self.inner.size(entry.key(), entry.value()));
                entry
            }

            /// Stores or removes the entry as `f` decides; it counts as a write or a removal, or
            /// as a lookup if nothing changes.
            pub fn and_compute_with(
                self,
                f: impl FnOnce(Option<Entry<K, V>>) -> Op<V>,
            ) -> CompResult<K, V> {
                let timed = self.inner.tier.start(Operation::Set);
                let result = self.inner.cache.$select(self.key).and_compute_with(f);
                self.inner.computed(timed, &result);
                result
            }

            /// Stores or removes the entry as `f` decides, unless it fails.
            ///
            /// # Errors
            /// That of `f`, which counts as a failed write.
            pub fn and_try_compute_with<E: Send + Sync + 'static>(
                self,
                f: impl FnOnce(Option<Entry<K, V>>) -> Result<Op<V>, E>,
            ) -> Result<CompResult<K, V>, E> {
                let timed = self.inner.tier.start(Operation::Set);
                let result = self.inner.cache.$select(self.key).and_try_compute_with(f);
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

fn run_tasks<K, V, S>(cache: &Cache<K, V, S>)
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    cache.run_pending_tasks();
}
