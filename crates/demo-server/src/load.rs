//! The demo's own traffic, so that the metrics show something from the first second.
//!
//! It sends real requests over loopback. Each is sent when it is due, even if the one
//! before has not ended, so a slow service gets no fewer requests. The number of
//! requests under way is limited; a request that would exceed the limit is skipped.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

/// The most requests under way at once.
const MAX_UNDER_WAY: usize = 64;
/// One request in this many places an order, the others read one.
const REQUESTS_PER_ORDER: u64 = 10;
/// The number of recent orders from which the reads choose.
const RECENT: usize = 20;
/// The longest time that a request may take; a customer would give up then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests to the demo.
#[derive(Clone, Debug)]
pub struct Load {
    client: Client<HttpConnector, Full<Bytes>>,
    base: Arc<str>,
    places: Arc<Semaphore>,
}

impl Load {
    /// Creates the traffic for the service at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            base: format!("http://{address}").into(),
            places: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
        }
    }

    /// Sends `per_second` requests a second for as long as the future is polled.
    pub async fn run(self, per_second: u32) {
        let Some(period) = Duration::from_secs(1).checked_div(per_second) else { return };
        let mut due = interval(period);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let recent = Arc::new(Mutex::new(VecDeque::<String>::new()));
        for number in 0u64.. {
            due.tick().await;
            let Ok(place) = self.places.clone().try_acquire_owned() else { continue };
            let (load, recent) = (self.clone(), recent.clone());
            tokio::spawn(async move {
                let _place = place;
                let sent = match known(&recent, number) {
                    Some(id) if number % REQUESTS_PER_ORDER != 0 => load.read(&id).await,
                    _ => load.order(number).await.map(|id| remember(&recent, id)),
                };
                if let Err(error) = sent {
                    tracing::debug!(%error, "a request of the demo's own load failed");
                }
            });
        }
    }

    async fn read(&self, id: &str) -> anyhow::Result<()> {
        self.send(Request::get(format!("{}/orders/{id}", self.base)).body(Full::default())?)
            .await?;
        Ok(())
    }

    /// Places an order and returns its key.
    async fn order(&self, number: u64) -> anyhow::Result<Option<String>> {
        let customer = format!("customer-{}", number % 50);
        let item = serde_json::json!({ "sku": "tea", "quantity": 1 + number % 5 });
        let order = serde_json::json!({ "customer": customer, "items": [item] }).to_string();
        let request = Request::post(format!("{}/orders", self.base))
            .header("content-type", "application/json")
            .body(Full::from(order))?;
        let (status, body) = self.send(request).await?;
        if status != StatusCode::CREATED {
            return Ok(None);
        }
        let order: crate::orders::Order = serde_json::from_slice(&body)?;
        Ok(Some(order.id))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, exchange).await?
    }
}

type Recent = Mutex<VecDeque<String>>;

/// Returns one of the recent orders, in turn by `number`.
fn known(recent: &Recent, number: u64) -> Option<String> {
    let recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
    let at = usize::try_from(number).unwrap_or(0).checked_rem(recent.len())?;
    recent.get(at).cloned()
}

fn remember(recent: &Recent, id: Option<String>) {
    let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
    recent.extend(id);
    let surplus = recent.len().saturating_sub(RECENT);
    recent.drain(..surplus);
}
