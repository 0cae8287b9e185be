//! The demo's orders: their rules, their payment and their storage.
//!
//! An order is paid for before it is stored, and read through the cache. The module knows
//! nothing of HTTP: `app` turns its errors into responses.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Manager};
use node0::performance::PerformanceMonitor;
use node0::{
    Clock, Counter, Desc, Latency, MonitoredObject, MonitoredPool, RegisterError, Registry,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cache::OrderCache;
use crate::chaos::Chaos;
use crate::payments::{PaymentError, Payments};

/// A metric of the demo's own, as any service has them.
const PLACED: Desc = Desc::counter("orders_placed_total", "Orders that were paid for and stored.");

/// The price of every item, because the demo has no catalogue.
const UNIT_PRICE_CENTS: u32 = 499;
/// The most items of one order.
const MAX_ITEMS: usize = 100;
/// The longest name of a customer or an item, in characters.
const MAX_NAME: usize = 200;

/// The body with which a customer places an order.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NewOrder {
    /// The customer's name.
    pub customer: String,
    /// The ordered items.
    pub items: Vec<Item>,
}

/// A line of an order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The item's code.
    pub sku: String,
    /// The number of pieces.
    pub quantity: u32,
}

/// An order as it is stored and shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The key under which the order can be read.
    pub id: String,
    /// The customer's name.
    pub customer: String,
    /// The ordered items.
    pub items: Vec<Item>,
    /// The price of all items together.
    pub total_cents: i64,
    /// The time at which it was placed, in milliseconds since the epoch.
    pub created_at: i64,
}

/// An order that was not stored or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The order breaks a rule; the customer can correct it.
    #[error("{rule}")]
    Invalid {
        /// The field that breaks the rule.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// There is no such order.
    #[error("there is no order `{id}`")]
    Unknown {
        /// The key that was asked for.
        id: String,
    },
    /// The pool gave no connection in time.
    #[error("the database is overloaded or unreachable: try again later")]
    Busy(#[source] deadpool_postgres::PoolError),
    /// The database refused the statement.
    #[error("the database refused the order")]
    Database(#[from] tokio_postgres::Error),
    /// The database gave no answer in time.
    #[error("the database gives no answer: try again later")]
    Unanswered,
    /// The order was not paid for, so it is not stored.
    #[error("{0}: try again later")]
    Unpaid(#[from] PaymentError),
    /// The stored text is not an order.
    #[error("the stored order is damaged")]
    Damaged(#[from] serde_json::Error),
}

/// Stores orders in Postgres through a monitored pool, and caches them.
#[derive(Clone, Debug)]
pub struct Orders {
    pool: MonitoredPool<Manager>,
    cache: OrderCache,
    payments: Payments,
    chaos: Chaos,
    clock: Clock,
    create: Latency,
    read: Latency,
    placed: Counter,
}

impl NewOrder {
    fn check(&self) -> Result<(), OrderError> {
        // No database text can have a zero byte.
        let named = |text: &str| {
            !text.is_empty() && text.chars().count() <= MAX_NAME && !text.contains('\0')
        };
        let invalid = |field, rule| Err(OrderError::Invalid { field, rule });
        if !named(&self.customer) {
            return invalid("customer", "`customer` has 1 to 200 characters, none of them zero");
        }
        if self.items.is_empty() || self.items.len() > MAX_ITEMS {
            return invalid("items", "`items` has 1 to 100 entries");
        }
        if !self.items.iter().all(|item| named(&item.sku)) {
            return invalid("items", "`sku` has 1 to 200 characters, none of them zero");
        }
        if !self.items.iter().all(|item| (1..=1000).contains(&item.quantity)) {
            return invalid("items", "`quantity` is 1 to 1000");
        }
        Ok(())
    }

    fn total_cents(&self) -> i64 {
        let things: i64 = self.items.iter().map(|item| i64::from(item.quantity)).sum();
        things * i64::from(UNIT_PRICE_CENTS)
    }
}

impl Orders {
    /// Stores orders through this pool.
    ///
    /// # Errors
    /// Returns [`RegisterError`] when the operations and the counter cannot be registered.
    pub fn new(
        pool: MonitoredPool<Manager>,
        cache: OrderCache,
        payments: Payments,
        chaos: Chaos,
        registry: &Registry,
        performance: &PerformanceMonitor,
    ) -> Result<Self, RegisterError> {
        let create = performance.latency("orders:create")?;
        let read = performance.latency("orders:read")?;
        let (clock, placed) = (registry.clock().clone(), registry.counter(&PLACED, &[])?);
        Ok(Self { pool, cache, payments, chaos, clock, create, read, placed })
    }

    /// Takes the payment for a new order and stores it.
    ///
    /// # Errors
    /// Returns [`OrderError`]; the order is not stored then.
    pub async fn create(&self, new: NewOrder) -> Result<Order, OrderError> {
        new.check()?;
        let order = Order {
            id: Uuid::new_v4().to_string(),
            total_cents: new.total_cents(),
            created_at: i64::try_from(self.clock.wall().as_millis()).unwrap_or(i64::MAX),
            customer: new.customer,
            items: new.items,
        };
        let paid_and_kept = async {
            self.payments.pay(order.total_cents.unsigned_abs()).await?;
            self.insert(&order).await
        };
        self.create.time(paid_and_kept).await?;
        self.placed.inc();
        self.cache.keep(&order).await;
        Ok(order)
    }

    /// Reads an order.
    ///
    /// # Errors
    /// Returns [`OrderError::Unknown`] when there is none, another error when reading fails.
    pub async fn read(&self, id: &str) -> Result<Arc<Order>, Arc<OrderError>> {
        self.read.time(self.cache.get(id, self.select(id))).await
    }

    async fn insert(&self, order: &Order) -> Result<(), OrderError> {
        let client = self.pool.get().await.map_err(OrderError::Busy)?;
        within_limit(client, async |client| self.insert_by(client, order).await).await
    }

    async fn insert_by(&self, client: &Client, order: &Order) -> Result<(), OrderError> {
        self.linger(client).await?;
        let insert = client
            .prepare_cached(
                "INSERT INTO demo_orders (id, customer, items, total_cents, created_ms) \
                 VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint)",
            )
            .await?;
        let items = serde_json::to_string(&order.items)?;
        client
            .execute(
                &insert,
                &[&order.id, &order.customer, &items, &order.total_cents, &order.created_at],
            )
            .await?;
        Ok(())
    }

    async fn select(&self, id: &str) -> Result<Order, OrderError> {
        let client = self.pool.get().await.map_err(OrderError::Busy)?;
        within_limit(client, async |client| self.select_by(client, id).await).await
    }

    async fn select_by(&self, client: &Client, id: &str) -> Result<Order, OrderError> {
        self.linger(client).await?;
        let select = client
            .prepare_cached(
                "SELECT customer, items, total_cents, created_ms FROM demo_orders WHERE id = $1::text",
            )
            .await?;
        let row = client.query_opt(&select, &[&id]).await?;
        let row = row.ok_or_else(|| OrderError::Unknown { id: id.to_owned() })?;
        Ok(Order {
            id: id.to_owned(),
            customer: row.try_get(0)?,
            items: serde_json::from_str(row.try_get(1)?)?,
            total_cents: row.try_get(2)?,
            created_at: row.try_get(3)?,
        })
    }

    /// Makes the database sleep while a fault makes it slow.
    async fn linger(&self, client: &Client) -> Result<(), OrderError> {
        if let Some(delay) = self.chaos.database_delay() {
            let sleep = format!("SELECT pg_sleep({})", delay.as_secs_f64());
            client.batch_execute(&sleep).await?;
        }
        Ok(())
    }
}

/// Uses a connection for as long as an order waits for the database; then the connection is closed,
/// since the answer may still arrive there.
///
/// The server ends its statements earlier, unless it hangs or is not ours.
async fn within_limit<T>(
    client: MonitoredObject<Client>,
    work: impl AsyncFnOnce(&Client) -> Result<T, OrderError>,
) -> Result<T, OrderError> {
    match tokio::time::timeout(ANSWER_WAIT, work(&client)).await {
        Ok(done) => done,
        Err(_) => {
            drop(MonitoredObject::take(client));
            Err(OrderError::Unanswered)
        }
    }
}

/// The longest time that an order waits for the database's answers.
const ANSWER_WAIT: Duration = Duration::from_secs(6);

/// The longest time that a request waits for a connection before it is answered with 503.
pub const POOL_WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn order(customer: &str, items: &[(&str, u32)]) -> NewOrder {
        let item = |&(sku, quantity): &(&str, u32)| Item { sku: sku.to_owned(), quantity };
        NewOrder { customer: customer.to_owned(), items: items.iter().map(item).collect() }
    }

    #[test]
    fn an_order_that_makes_no_sense_names_the_field() {
        let field = |order: NewOrder| match order.check() {
            Err(OrderError::Invalid { field, .. }) => Some(field),
            _ => None,
        };
        assert_eq!(field(order("", &[("s", 1)])), Some("customer"));
        assert_eq!(field(order(&"é".repeat(201), &[("s", 1)])), Some("customer"));
        assert_eq!(field(order("a\0", &[("s", 1)])), Some("customer"));
        assert_eq!(field(order("a", &[("\0", 1)])), Some("items"));
        assert_eq!(field(order("a", &[])), Some("items"));
        assert_eq!(field(order("a", &[("", 1)])), Some("items"));
        assert_eq!(field(order("a", &[("s", 0)])), Some("items"));
        assert_eq!(field(order("a", &[("s", 1)])), None);
    }

    #[test]
    fn an_order_costs_what_its_items_cost() {
        assert_eq!(order("a", &[("s", 2), ("t", 1)]).total_cents(), 1497);
    }
}
