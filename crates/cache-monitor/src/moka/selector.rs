//! Selected entries: lookups that insert what is missing, and writes that see what was there.
//!
//! Each call counts once: as one lookup with at most one load, or as one write.

use std::sync::atomic::{AtomicBool, Ordering};

use ::moka::Entry;
use ::moka::ops::compute::CompResult;

use super::Inner;
use crate::tier::Tier;
use crate::timed::Timed;
use crate::words::Operation;

/// A lookup that loads what is missing.
pub(super) struct Lookup<'t> {
    tier: &'t Tier,
    /// `None` if the lookup has missed already.
    get: Option<Timed<'t>>,
    has_loaded: AtomicBool,
}

/// The error of a load without a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoValue;

impl<'t> Lookup<'t> {
    /// Starts a lookup of an entry that is there; a missing one is a miss at once.
    pub(super) fn start(tier: &'t Tier, is_there: bool) -> Self {
        let get = tier.start(Operation::Get);
        let get = if is_there { Some(get) } else { get.looked_up(None) };
        Self { get, ..Self::missed(tier) }
    }

    /// Continues a lookup that was counted as a miss.
    pub(super) fn missed(tier: &'t Tier) -> Self {
        Self { tier, get: None, has_loaded: AtomicBool::new(false) }
    }

    /// Starts the load; it runs in this call and in none of those that wait for its result.
    pub(super) fn load(&self) -> Timed<'t> {
        self.has_loaded.store(true, Ordering::Relaxed);
        self.tier.start(Operation::Load)
    }

    /// Ends the lookup, and counts a miss as a load or as coalesced.
    pub(super) fn end<C, K, V, E>(
        self,
        inner: &Inner<C, K, V>,
        entry: Result<Entry<K, V>, E>,
    ) -> Result<Entry<K, V>, E> {
        let has_loaded = self.has_loaded.into_inner();
        match self.get {
            Some(get) => drop(get.looked_up((!has_loaded).then_some(()))),
            None if !has_loaded => self.tier.coalesced(),
            None => {}
        }
        if has_loaded && let Ok(entry) = &entry {
            self.tier.stored(inner.size(entry.key(), entry.value()));
        }
        entry
    }
}

impl<C, K, V> Inner<C, K, V> {
    /// Ends a computation: as a write or a removal, or as a lookup if it changed nothing.
    pub(super) fn computed(&self, timed: Timed<'_>, result: &CompResult<K, V>) {
        match result {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) => {
                timed.set(self.size(entry.key(), entry.value()));
            }
            CompResult::Removed(_) => timed.deleted(),
            CompResult::Unchanged(_) => drop(timed.looked_up(Some(()))),
            CompResult::StillNone(_) => drop(timed.looked_up(None::<()>)),
        }
    }
}

/// Declares a selected entry: its key is owned or borrowed, its methods are async or not.
macro_rules! selector {
    ($(#[$doc:meta])* $name:ident[$($q:ident)?], $key:ty, [$($borrow:tt)?], $cache:ident.$select:ident,
     [$($async:tt)?], [$($await:tt)*]) => {
        $(#[$doc])*
        #[must_use = "a selected entry does nothing by itself"]
        pub struct $name<'a, K, $($q: ?Sized,)? V, S> {
            inner: &'a Inner<$cache<K, V, S>, K, V>,
            key: $key,
        }

        impl<'a, K, $($q,)? V, S> $name<'a, K, $($q,)? V, S>
        where
            K: Eq + Hash + Send + Sync + 'static,
            $($q: Equivalent<K> + ToOwned<Owned = K> + Hash + ?Sized,)?
            V: Clone + Send + Sync + 'static,
            S: BuildHasher + Clone + Send + Sync + 'static,
        {
            /// Returns the entry, with the default value if it is missing.
            pub $($async)? fn or_default(self) -> Entry<K, V>
            where
                V: Default,
            {
                self.or_insert_with(lazy!(V::default()))$($await)*
            }

            /// Returns the entry, with this value if it is missing; that counts as a load.
            pub $($async)? fn or_insert(self, default: V) -> Entry<K, V> {
                self.or_insert_with(lazy!(default))$($await)*
            }

            /// Returns the entry, and loads it if it is missing; of concurrent callers one loads.
            pub $($async)? fn or_insert_with(self, init: load!(V)) -> Entry<K, V> {
                let init = lazy!(Ok::<V, Infallible>(run!(init)));
                match self.or_try_insert_with(init)$($await)* {
                    Ok(entry) => entry,
                    Err(never) => match *never {},
                }
            }

            /// Returns the entry, and loads it if it is missing or to be replaced; an entry that
            /// is replaced counts as a miss.
            pub $($async)? fn or_insert_with_if(
                self,
                init: load!(V),
                replace_if: impl FnMut(&V) -> bool + Send,
            ) -> Entry<K, V> {
                let Self { inner, key } = self;
                let lookup = Lookup::start(&inner.tier, inner.cache.contains_key($($borrow)? key));
                let load = lazy!({
                    let timed = lookup.load();
                    let value = run!(init);
                    timed.loaded(LoadOutcome::Success);
                    value
                });
                let entry = inner.cache.$select(key).or_insert_with_if(load, replace_if)$($await)*;
                match lookup.end(inner, Ok::<_, Infallible>(entry)) {
                    Ok(entry) => entry,
                    Err(never) => match never {},
                }
            }

            /// Returns the entry, and loads it if it is missing; `None` if there is no value,
            /// which counts as a failed load.
            pub $($async)? fn or_optionally_insert_with(
                self,
                init: load!(Option<V>),
            ) -> Option<Entry<K, V>> {
                let init = lazy!(run!(init).ok_or(NoValue));
                self.or_try_insert_with(init)$($await)*.ok()
            }

            /// Returns the entry, and loads it if it is missing by what may fail.
            ///
            /// # Errors
            /// The error of the load, for every caller that waited for it.
            pub $($async)? fn or_try_insert_with<E>(
                self,
                init: load!(Result<V, E>),
            ) -> Result<Entry<K, V>, Arc<E>>
            where
                E: Send + Sync + 'static,
            {
                let Self { inner, key } = self;
                let lookup = Lookup::start(&inner.tier, inner.cache.contains_key($($borrow)? key));
                let load = lazy!(loaded!(lookup, init));
                let entry = inner.cache.$select(key).or_try_insert_with(load)$($await)*;
                lookup.end(inner, entry)
            }
        }

        impl<K, $($q: std::fmt::Debug + ?Sized,)? V, S> std::fmt::Debug for $name<'_, K, $($q,)? V, S> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("tier", &self.inner.tier).finish_non_exhaustive()
            }
        }
    };
}

/// Runs a load that may fail, and counts its end.
macro_rules! loaded {
    ($lookup:ident, $init:ident) => {{
        let timed = $lookup.load();
        let result = run!($init);
        timed.loaded(LoadOutcome::of(&result));
        result
    }};
}
