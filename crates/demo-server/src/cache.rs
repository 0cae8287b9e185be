//! Orders that were asked for before: in memory, and behind that in Redis or in a file.
//!
//! The second tier may fail and be slow, and never to a customer's cost: what it
//! does not give in time comes from the database.

mod embedded;
mod encoding;
mod second;

use std::sync::Arc;
use std::time::Duration;

use node0::cache::moka::{Builder, FutureCache};
use node0::InstanceError;
use node0::cache::CacheMonitor;

use crate::chaos::{Chaos, Fault};
use crate::orders::{Order, OrderError};

pub use self::second::{RedisChoice, SecondTier};

/// The cache's name among all.
pub const CACHE: &str = "orders";

/// Orders in memory.
const FIRST_ORDERS: u64 = 1000;
const FIRST_LIFETIME: Duration = Duration::from_secs(10);

/// The two tiers; clones share them.
#[derive(Clone, Debug)]
pub struct OrderCache {
    first: FutureCache<String, Arc<Order>>,
    second: Arc<SecondTier>,
    chaos: Chaos,
}

impl OrderCache {
    /// A small tier in memory before the second.
    ///
    /// # Errors
    /// When the tier cannot be registered.
    pub fn new(
        monitor: &CacheMonitor,
        second: SecondTier,
        chaos: Chaos,
    ) -> Result<Self, InstanceError> {
        let moka = moka::future::Cache::builder();
        let moka = moka.max_capacity(FIRST_ORDERS).time_to_live(FIRST_LIFETIME);
        let first = Builder::new(monitor.tier(CACHE, "L1")?, moka).build();
        Ok(Self { first, second: Arc::new(second), chaos })
    }

    /// Keeps a new order in the second tier, for whoever asks first.
    pub async fn keep(&self, order: &Order) {
        if !self.chaos.is_on(Fault::ColdCache) {
            self.second.set(&order.id, order).await;
        }
    }

    /// The order from the nearest tier that has it, else as it is loaded.
    ///
    /// # Errors
    /// The load's own, for all who waited for it.
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
