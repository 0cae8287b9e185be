//! A cache of orders in two tiers: in memory, and behind that in Redis or in a file.
//!
//! The second tier may fail or be slow without harm to a customer: an order that it
//! does not return in time is read from the database.

mod embedded;
mod encoding;
mod second;

use std::sync::Arc;
use std::time::Duration;

use node0::InstanceError;
use node0::cache::CacheMonitor;
use node0::cache::moka::FutureCache;

use crate::chaos::{Chaos, Fault};
use crate::orders::{Order, OrderError};

pub use self::second::{RedisChoice, SecondTier};

/// The cache's name in metrics and reports.
pub const CACHE: &str = "orders";

/// The most orders that the tier in memory holds.
const FIRST_ORDERS: u64 = 1000;
const FIRST_LIFETIME: Duration = Duration::from_secs(10);

/// The cache of orders; clones share its tiers.
#[derive(Clone, Debug)]
pub struct OrderCache {
    first: FutureCache<String, Arc<Order>>,
    second: Arc<SecondTier>,
    chaos: Chaos,
}

impl OrderCache {
    /// Puts a small tier in memory before the given second tier.
    ///
    /// # Errors
    /// Fails when the tier in memory cannot be registered.
    pub fn new(
        monitor: &CacheMonitor,
        second: SecondTier,
        chaos: Chaos,
    ) -> Result<Self, InstanceError> {
        let moka = moka::future::Cache::builder();
        let moka = moka.max_capacity(FIRST_ORDERS).time_to_live(FIRST_LIFETIME);
        let first = FutureCache::builder(monitor.tier(CACHE, "L1")?, moka).build();
        Ok(Self { first, second: Arc::new(second), chaos })
    }

    /// Stores an order in the second tier, so that its first read needs no database.
    pub async fn keep(&self, order: &Order) {
        if !self.chaos.is_on(Fault::ColdCache) {
            self.second.set(&order.id, order).await;
        }
    }

    /// Returns the order from the first tier that has it, else the result of `load`.
    ///
    /// # Errors
    /// Returns the error of `load` to every caller that waited for the same load.
    pub async fn get(
        &self,
        id: &str,
        load: impl Future<Output = Result<Order, OrderError>>,
    ) -> Result<Arc<Order>, Arc<OrderError>> {
        if self.chaos.is_on(Fault::ColdCache) {
            self.first.remove(id).await;
            self.second.forget(id).await;
        }
        let load = async {
            if let Some(order) = self.second.get(id).await {
                self.first.tier().promotion();
                return Ok(Arc::new(order));
            }
            let order = load.await?;
            self.keep(&order).await;
            Ok(Arc::new(order))
        };
        self.first.try_get_with(id.to_owned(), load).await
    }
}
