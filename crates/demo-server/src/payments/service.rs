//! The payment service: another server, if only on another port of this process.
//!
//! It is reached over HTTP, so that a failure of it is a failure of the network's
//! kind: a status, a timeout, a refused connection.

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

/// A payment service that runs until it is dropped.
#[derive(Debug)]
pub struct PaymentService {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl PaymentService {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Errors
    /// When the machine has no port to give.
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

    /// Where it listens.
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
