//! The demo's own endpoints: orders and chaos.
//!
//! A handler turns a request into a call of [`Orders`] or [`Chaos`], and an error into
//! the same JSON body that node0's endpoints answer with. node0's endpoints are added
//! to the router elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use deadpool_postgres::Manager;
use node0::{ApiError, Gate, MonitoredPool};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

use crate::chaos::{Chaos, Fault};
use crate::log::Seldom;
use crate::orders::{NewOrder, Order, OrderError, Orders};

/// The largest body of an order that is accepted.
const MAX_BODY_BYTES: usize = 64 << 10;

/// The state that the endpoints share.
#[derive(Clone, Debug)]
pub struct App {
    /// Stores and reads the orders.
    pub orders: Orders,
    /// The switches that turn faults on and off.
    pub chaos: Chaos,
    /// The database pool, which the fault `small-pool` shrinks.
    pub pool: MonitoredPool<Manager>,
    /// Lets some of the log lines about orders through that fail at the database.
    pub failures: Seldom,
}

/// The choice between a router with and one without the chaos endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChaosRoutes {
    /// The router has the endpoints.
    Shown,
    /// Requests for the endpoints are answered with 404.
    Hidden,
}

impl App {
    /// Returns a router of the demo's endpoints, without node0's.
    ///
    /// The gate keeps pages of other sites from switching faults, and from reading by a foreign name.
    pub fn router(self, chaos: ChaosRoutes, gate: &Gate) -> Router {
        let router = Router::new()
            .route("/orders", only(post(create_order), "POST"))
            .route("/orders/{id}", only(get(read_order), "GET, HEAD"));
        let router = router.fallback(not_found).layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        let router = gate.protect(router);
        // Only those who may read how the service is doing may make it worse.
        let router = match chaos {
            ChaosRoutes::Shown => router.merge(gate.restrict(switches())),
            ChaosRoutes::Hidden => router,
        };
        router.with_state(Arc::new(self))
    }

    fn set(&self, fault: Fault, to: bool) {
        self.chaos.set(fault, to);
        self.pool.pool().resize(self.chaos.pool_size());
    }
}

type Shared = State<Arc<App>>;

/// Returns the routes that inject faults.
fn switches() -> Router<Arc<App>> {
    Router::new()
        .route("/chaos", only(get(list_chaos).delete(end_chaos), "GET, HEAD, DELETE"))
        .route("/chaos/{name}", only(post(start_fault).delete(end_fault), "POST, DELETE"))
}

/// Answers any other method with 405 and the list of those that are allowed.
fn only(route: MethodRouter<Arc<App>>, allowed: &'static str) -> MethodRouter<Arc<App>> {
    route.fallback(move || async move {
        let message = format!("use {allowed}");
        let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        let mut response = error.into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        response
    })
}

async fn not_found(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("there is no `{path}`: see `/endpoints`"),
    )
}

async fn create_order(
    State(app): Shared,
    order: Result<Json<NewOrder>, JsonRejection>,
) -> Result<(StatusCode, Json<Order>), ApiError> {
    let Json(order) = order.map_err(|rejection| unreadable(&rejection))?;
    let order = app.orders.create(order).await.map_err(|error| app.refused(&error))?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn read_order(
    State(app): Shared,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Order>, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::invalid_parameter("id", "is not UTF-8", &[]))?;
    if id.contains('\0') {
        return Err(ApiError::invalid_parameter("id", "has a zero byte", &[]));
    }
    let order = app.orders.read(&id).await.map_err(|error| app.refused(&error))?;
    Ok(Json(Arc::unwrap_or_clone(order)))
}

async fn list_chaos(State(app): Shared) -> Json<Value> {
    Json(listed(&app.chaos))
}

async fn end_chaos(State(app): Shared) -> Json<Value> {
    for fault in Fault::ALL {
        app.set(fault, false);
    }
    Json(listed(&app.chaos))
}

async fn start_fault(State(app): Shared, name: Path<String>) -> Result<Json<Value>, ApiError> {
    app.set(fault(&name)?, true);
    Ok(Json(listed(&app.chaos)))
}

async fn end_fault(State(app): Shared, name: Path<String>) -> Result<Json<Value>, ApiError> {
    app.set(fault(&name)?, false);
    Ok(Json(listed(&app.chaos)))
}

fn fault(name: &str) -> Result<Fault, ApiError> {
    let known = || Fault::ALL.map(Fault::name);
    let name: String = name.chars().take(200).collect();
    Fault::named(&name)
        .ok_or_else(|| ApiError::not_found(format!("there is no fault `{name}`"), known()))
}

fn listed(chaos: &Chaos) -> Value {
    let faults = Fault::ALL
        .map(|fault| (fault.name(), json!({ "on": chaos.is_on(fault), "effect": fault.effect() })));
    json!({ "faults": BTreeMap::from(faults) })
}

/// Builds the error for a body that is too large or is not an order.
fn unreadable(rejection: &JsonRejection) -> ApiError {
    if let JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(_)) = rejection
        && rejection.status() == StatusCode::PAYLOAD_TOO_LARGE
    {
        let message = format!("an order has at most {} KiB", MAX_BODY_BYTES >> 10);
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_parameter", message)
            .parameter("body");
    }
    let example = r#"{"customer":"a","items":[{"sku":"s","quantity":1}]}"#;
    let message = format!("the body is no order ({}): send {example}", rejection.body_text());
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", message).parameter("body")
}

impl App {
    /// Builds the answer to an order that failed, and says in the log, now and then, that they do.
    fn refused(&self, error: &OrderError) -> ApiError {
        if matches!(error, OrderError::Database(_) | OrderError::Busy(_) | OrderError::Unanswered)
            && let Some(others) = self.failures.try_line()
        {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            tracing::warn!(%cause, others, "an order failed at the database");
        }
        refused(error)
    }
}

fn refused(error: &OrderError) -> ApiError {
    let message = error.to_string();
    match error {
        OrderError::Invalid { field, .. } => {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", message).parameter(*field)
        }
        OrderError::Unknown { .. } => {
            ApiError::new(StatusCode::NOT_FOUND, "not_found", message).parameter("id")
        }
        OrderError::Unpaid(cause) => {
            tracing::debug!(%cause, "an order was not paid for");
            ApiError::overloaded(message)
        }
        OrderError::Busy(_) | OrderError::Unanswered => ApiError::overloaded(message),
        OrderError::Database(cause) => {
            // The order did not cause this, so the customer should retry: 503 and not 500.
            let passes = |code: &SqlState| code.code().starts_with("57");
            if cause.is_closed() || cause.code().is_some_and(passes) {
                ApiError::overloaded("the database is away: try again later")
            } else {
                ApiError::internal(message)
            }
        }
        OrderError::Damaged(cause) => {
            tracing::warn!(%cause, "a stored order is damaged");
            ApiError::internal(message)
        }
    }
}
