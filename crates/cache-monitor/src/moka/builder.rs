//! The builder that makes a watched cache of a moka builder and a tier.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use ::moka::notification::RemovalCause;
use ::moka::{future, sync};
use node0_metrics_core::contain;

use super::{FutureCache, Inner, SyncCache};
use crate::tier::Tier;
use crate::words::{Events, EvictionCause};

type SyncBuilder<K, V> = sync::CacheBuilder<K, V, sync::Cache<K, V>>;
type FutureBuilder<K, V> = future::CacheBuilder<K, V, future::Cache<K, V>>;

pub(super) type Weigher<K, V> = dyn Fn(&K, &V) -> u32 + Send + Sync;
type Listener<K, V> = dyn Fn(Arc<K>, V, RemovalCause) + Send + Sync;

/// Settings for a watched moka cache.
///
/// Set an eviction listener or weigher here and not on moka's builder. This builder replaces moka's
/// listener, and without a weigher it takes the maximum capacity for a number of entries.
///
/// ```
/// use node0_cache_monitor::CacheMonitor;
/// use node0_cache_monitor::moka::SyncCache;
/// use node0_metrics_core::Registry;
///
/// let registry = Registry::new();
/// let monitor = CacheMonitor::register(&registry)?;
/// let moka = moka::sync::Cache::builder().max_capacity(1 << 20);
/// let cache = SyncCache::builder(monitor.tier("pages", "L1")?, moka)
///     .bytes(|url: &String, page: &String| (url.len() + page.len()) as u32)
///     .build();
///
/// let page = cache.get_with("/".to_owned(), || "<p>hello</p>".to_owned());
/// assert_eq!(cache.get("/"), Some(page));
/// let metrics = monitor.tier_metrics(&registry.read(), "L1").expect("it is there");
/// assert_eq!((metrics.hits, metrics.misses), (1, 1));
/// assert_eq!(metrics.loads.map(|loads| loads.succeeded), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "call `build` to get the cache"]
pub struct Builder<K, V, B> {
    builder: B,
    tier: Tier,
    weigher: Option<Arc<Weigher<K, V>>>,
    listener: Option<Box<Listener<K, V>>>,
}

impl<K, V, B> Builder<K, V, B> {
    /// Weighs entries by their bytes; by default each weighs one and bytes are unknown.
    ///
    /// The cache's maximum capacity is then in bytes.
    pub fn bytes(mut self, weigher: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Arc::new(weigher));
        self
    }

    /// Calls a listener with each entry that leaves; none by default.
    ///
    /// A panic in it is caught, and it is called again for the next entry.
    pub fn listener(
        mut self,
        listener: impl Fn(Arc<K>, V, RemovalCause) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }
}

/// Builds each kind of cache; moka's builders have the same methods, but no common trait.
macro_rules! builds {
    ($($builder:ident -> $cache:ident),*) => { $(
        impl<K, V> $cache<K, V> {
            /// Returns settings for a cache of this builder of moka's, watched as a tier.
            pub fn builder(tier: Tier, builder: $builder<K, V>) -> Builder<K, V, $builder<K, V>> {
                Builder { builder, tier, weigher: None, listener: None }
            }
        }

        impl<K, V> Builder<K, V, $builder<K, V>>
        where
            K: Eq + Hash + Send + Sync + 'static,
            V: Clone + Send + Sync + 'static,
        {
            /// Makes the cache.
            pub fn build(self) -> $cache<K, V> {
                self.build_with_hasher(RandomState::new())
            }

            /// Makes the cache with a hasher of your own.
            pub fn build_with_hasher<S>(self, hasher: S) -> $cache<K, V, S>
            where
                S: BuildHasher + Clone + Send + Sync + 'static,
            {
                let Self { builder, tier, weigher, listener } = self;
                tier.declare(&[Events::Writes, Events::Evictions, Events::Loads]);
                let builder = match weigher.clone() {
                    Some(weigher) => builder.weigher(move |key, value| weigher(key, value)),
                    None => builder,
                };
                let listener = on_eviction(tier.clone(), weigher.clone(), listener);
                let cache = builder.eviction_listener(listener).build_with_hasher(hasher);
                $cache::new(Inner { cache, tier, weigher })
            }
        }
    )* };
}

builds!(SyncBuilder -> SyncCache, FutureBuilder -> FutureCache);

impl<K, V, B> fmt::Debug for Builder<K, V, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("tier", &self.tier).finish_non_exhaustive()
    }
}

/// Returns a listener that counts what leaves and calls the host's own; it never panics.
fn on_eviction<K: 'static, V: 'static>(
    tier: Tier,
    weigher: Option<Arc<Weigher<K, V>>>,
    listener: Option<Box<Listener<K, V>>>,
) -> impl Fn(Arc<K>, V, RemovalCause) + Send + Sync + 'static {
    move |key, value, cause| {
        let weigh =
            |weigher: &Arc<Weigher<K, V>>| contain(|| weigher(&key, &value)).ok().map(u64::from);
        tier.eviction(of(cause), weigher.as_ref().and_then(weigh));
        if let Some(listener) = &listener {
            // The panic hook has reported it already.
            let _ = contain(|| listener(key, value, cause));
        }
    }
}

fn of(cause: RemovalCause) -> EvictionCause {
    match cause {
        RemovalCause::Size => EvictionCause::Size,
        RemovalCause::Expired => EvictionCause::Expired,
        RemovalCause::Explicit => EvictionCause::Explicit,
        RemovalCause::Replaced => EvictionCause::Replaced,
    }
}
