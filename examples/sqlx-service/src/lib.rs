//! A service on sqlx whose pool is watched. Two lines are node0's: the type of the pool, and the one
//! that attaches it. The queries are as they were.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use node0::{Monitoring, NotReady};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use sqlx::{FromRow, Postgres, Transaction};

/// The service's pool; without node0 it is `sqlx::PgPool`.
pub type PgPool = node0::database::sqlx::MonitoredPool<Postgres>;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An order, as customers read it.
#[derive(Debug, Serialize, FromRow)]
pub struct Order {
    id: i64,
    item: String,
    pieces: i32,
}

/// An order, as customers send it.
#[derive(Debug, Deserialize)]
pub struct NewOrder {
    item: String,
    pieces: i32,
}

/// Connects to the database, makes the table, and watches the pool.
///
/// # Errors
/// Fails if the database does not answer.
pub async fn connect(url: &str) -> Result<(Monitoring, PgPool), Failure> {
    let pool = PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(2));
    let pool = pool.connect(url).await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS orders
         (id BIGSERIAL PRIMARY KEY, item TEXT NOT NULL, pieces INT NOT NULL CHECK (pieces > 0))",
    )
    .execute(&pool)
    .await?;
    // The check has a connection of its own, so that a busy pool is no database that is gone.
    let own = PgPoolOptions::new().max_connections(1).connect_lazy(url)?;
    let answers = move || {
        let own = own.clone();
        async move {
            // sqlx pings a connection before it gives it out.
            let answer = own.acquire().await;
            answer.map(drop).map_err(|error| NotReady::new(error.to_string()))
        }
    };
    let monitoring = Monitoring::builder()
        .version(env!("CARGO_PKG_VERSION"))
        .readiness(|readiness| readiness.check_fn("database", answers))
        .build()?;
    let pool = monitoring.database().attach_sqlx("main", &pool)?;
    Ok((monitoring, pool))
}

/// The service itself.
pub fn app(pool: PgPool) -> Router {
    Router::new()
        .route("/orders", post(place).get(list))
        .route("/orders/{id}", get(read))
        .with_state(pool)
}

async fn place(
    State(pool): State<PgPool>,
    Json(new): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), StatusCode> {
    let mut transaction = pool.begin().await.map_err(status)?;
    let order = insert(transaction.as_mut(), &new).await.map_err(status)?;
    transaction.commit().await.map_err(status)?;
    Ok((StatusCode::CREATED, Json(order)))
}

/// A function that takes sqlx's own transaction, as many do.
async fn insert(
    transaction: &mut Transaction<'static, Postgres>,
    new: &NewOrder,
) -> Result<Order, sqlx::Error> {
    sqlx::query_as("INSERT INTO orders (item, pieces) VALUES ($1, $2) RETURNING id, item, pieces")
        .bind(&new.item)
        .bind(new.pieces)
        .fetch_one(&mut **transaction)
        .await
}

async fn read(State(pool): State<PgPool>, Path(id): Path<i64>) -> Result<Json<Order>, StatusCode> {
    let found = sqlx::query_as("SELECT id, item, pieces FROM orders WHERE id = $1").bind(id);
    found.fetch_optional(&pool).await.map_err(status)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(pool): State<PgPool>) -> Result<Json<Vec<Order>>, StatusCode> {
    let mut connection = pool.acquire().await.map_err(status)?;
    let all = sqlx::query_as("SELECT id, item, pieces FROM orders ORDER BY id");
    all.fetch_all(&mut *connection).await.map_err(status).map(Json)
}

fn status(error: sqlx::Error) -> StatusCode {
    match error {
        sqlx::Error::PoolTimedOut => StatusCode::SERVICE_UNAVAILABLE,
        sqlx::Error::Database(refused) if refused.is_check_violation() => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
