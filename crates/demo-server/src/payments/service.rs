//! The payment service: a second server, on another port of this process.
//!
//! The demo calls it over HTTP, so that its failures are those of a real remote service:
//! an error status, a timeout, a refused connection.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::chaos::{Chaos, Fault};

/// A payment service, which runs until it is dropped.
#[derive(Debug)]
pub struct PaymentService {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl PaymentService {
    /// Starts a payment service on a free loopback port.
    ///
    /// # Errors
    /// Fails when no port is free.
    pub async fn start(chaos: Chaos) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("the payment service has no port")?;
        let address = listener.local_addr().context("the payment service has no address")?;
        let router = Router::new().route("/payments", post(pay)).with_state(chaos);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the payment service ended");
            }
        });
        Ok(Self { address, server })
    }

    /// Returns the address on which the service listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PaymentService {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pay(State(chaos): State<Chaos>, Json(payment): Json<Value>) -> (StatusCode, Json<Value>) {
    if let Some(delay) = chaos.payment_delay() {
        tokio::time::sleep(delay).await;
    }
    if chaos.is_on(Fault::FailingPayments) {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "the bank is away" })));
    }
    (StatusCode::OK, Json(json!({ "paidCents": payment["cents"] })))
}
