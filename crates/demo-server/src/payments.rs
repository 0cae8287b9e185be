//! Payments: a service over HTTP, called through a circuit breaker.
//!
//! The breaker opens when too many calls fail, so that orders are refused at once instead
//! of each waiting for a service that is down. `node0` watches the breaker and its calls.

mod service;

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use node0::breaker::tower_resilience::{BreakerLayer, watch};
use node0::breaker::{BreakerMonitor, Outcome, Thresholds};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_resilience_circuitbreaker::{
    CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType,
};

pub use self::service::PaymentService;

/// The circuit's name in metrics and reports.
pub const CIRCUIT: &str = "payment-service";

/// The longest time that an order waits for its payment.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(30);
/// The period over which the breaker computes its failure rate.
const WINDOW: Duration = Duration::from_secs(10);
/// The time that the breaker stays open before it tries calls again.
const OPEN: Duration = Duration::from_secs(3);
/// The calls that the breaker needs for a failure rate, and those it tries when half-open.
const MIN_CALLS: usize = 5;
const TRIAL_CALLS: usize = 2;

/// An order that was not paid for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The breaker is open, because too many calls failed.
    #[error("payments are off for the moment")]
    Open,
    /// The service could not be reached, or closed the connection.
    #[error("the payment service does not answer")]
    Away,
    /// The service answered in time with an error.
    #[error("the payment service answered {0}")]
    Refused(StatusCode),
    /// The service did not answer in time.
    #[error("the payment service did not answer within {} ms", PATIENCE.as_millis())]
    Late,
}

/// Pays for orders; clones share the breaker.
#[derive(Clone, Debug)]
pub struct Payments {
    service: BoxCloneSyncService<u64, (), CircuitBreakerError<PaymentError>>,
}

impl Payments {
    /// Creates a client of the payment service at this address.
    ///
    /// # Errors
    /// Fails when the circuit cannot be registered.
    pub fn new(monitor: &BreakerMonitor, address: SocketAddr) -> anyhow::Result<Self> {
        let circuit = monitor.circuit(CIRCUIT, Thresholds::default())?;
        let breaker = CircuitBreakerLayer::builder()
            .name(CIRCUIT)
            .sliding_window_type(SlidingWindowType::TimeBased)
            .sliding_window_duration(WINDOW)
            .minimum_number_of_calls(MIN_CALLS)
            .failure_rate_threshold(0.5)
            .wait_duration_in_open(OPEN)
            .permitted_calls_in_half_open(TRIAL_CALLS);
        // `build_with_handle` gives every clone of the service the same breaker.
        let (breaker, _handle) = watch(breaker, &circuit).build_with_handle()?;
        // Without the timer, idle connections would stay until the next payment.
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build_http();
        let call = service_fn(move |cents| pay(client.clone(), address, cents));
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::new(&circuit).classify(outcome))
            .layer(breaker)
            .service(call);
        Ok(Self { service: BoxCloneSyncService::new(service) })
    }

    /// Pays an amount in cents.
    ///
    /// # Errors
    /// Returns [`PaymentError`]; after a timeout the payment may have been made all the same.
    pub async fn pay(&self, cents: u64) -> Result<(), PaymentError> {
        self.service.clone().oneshot(cents).await.map_err(|error| match error {
            CircuitBreakerError::OpenCircuit => PaymentError::Open,
            CircuitBreakerError::Inner(error) => error,
        })
    }
}

/// Classifies the result of a call for the circuit's metrics.
fn outcome(result: Result<&(), &PaymentError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Success,
        Err(PaymentError::Late) => Outcome::Timeout,
        Err(PaymentError::Open) => Outcome::Rejected,
        Err(PaymentError::Refused(_)) => Outcome::Failure("response"),
        Err(PaymentError::Away) => Outcome::Failure("connect"),
    }
}

async fn pay(
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    cents: u64,
) -> Result<(), PaymentError> {
    let body = serde_json::json!({ "cents": cents }).to_string();
    let request = Request::post(format!("http://{address}/payments"))
        .header("content-type", "application/json")
        .body(Full::from(body))
        .map_err(|_| PaymentError::Away)?;
    let exchange = async {
        let response = client.request(request).await.map_err(|_| PaymentError::Away)?;
        let status = response.status();
        response.into_body().collect().await.map_err(|_| PaymentError::Away)?;
        if status.is_success() { Ok(()) } else { Err(PaymentError::Refused(status)) }
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(PaymentError::Late))
}
