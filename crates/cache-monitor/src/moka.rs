//! moka's caches, with what they do counted.
//!
//! moka keeps no counts of its own. A [`SyncCache`] or [`FutureCache`] wraps one
//! and has the same calls; what is called on the bare cache is seen in evictions
//! and levels only. Four things are easily got wrong, and are not here:
//!
//! - A lookup that loads is one lookup: a hit if the entry was there, else a miss.
//! - Of the callers who miss together one loads, and the load is counted once,
//!   when it ends; the others are counted as coalesced. So a tier's misses are
//!   its loads and its coalesced lookups together, for callers that stay.
//! - moka switches an eviction listener off for good when it panics. Ours does
//!   not, and contains yours.
//! - Entries and weights are estimates until pending tasks run: a poll runs them
//!   first, once a tick and never on a scrape.
//!
//! A clone of a moka cache is the cache, and there is no weak one. The wrapper
//! therefore shares it behind a pointer that the monitor follows weakly: with
//! the wrapper's last clone the levels end, and with the last of the cache its
//! counters.

/// What a wrapper is besides its calls: a pointer that clones share.
macro_rules! shared {
    ($wrapper:ident) => {
        impl<K, V, S> $wrapper<K, V, S> {
            /// The tier that it is watched as.
            pub fn tier(&self) -> &$crate::Tier {
                &self.inner.watched.tier
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
