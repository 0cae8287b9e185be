//! The service on a real Postgres: what its customers did is what the pool's numbers say.

use std::net::SocketAddr;
use std::time::Duration;

use node0_local_postgres::LocalPostgres;
use serde_json::json;
use sqlx_service::{app, connect};
use testbed::{Deadline, http, tools};

/// Longer than readiness takes to change.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(url: &str) -> SocketAddr {
    let (monitoring, pool) = connect(url).await.expect("the database answers");
    let app = app(pool).merge(monitoring.routes().expect("there is room"));
    let listener = node0::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { monitoring.serve(listener, app).await });
    address
}

fn place(address: SocketAddr, pieces: i32) -> u16 {
    let order = json!({ "item": "tea", "pieces": pieces });
    http::Request::new("POST", "/orders").json(&order).send(address).expect("an answer").status
}

fn get(address: SocketAddr, path: &str) -> http::Response {
    http::get(address, path).expect("an answer")
}

/// Waits until readiness answers with this status.
fn wait_for_ready(address: SocketAddr, status: u16) {
    let is_so = || get(address, "/health/ready").status == status;
    assert!(Deadline::after(PATIENCE).until(is_so), "readiness is never {status}");
}

// The test's own task may block: others serve.
#[tokio::test(flavor = "multi_thread")]
async fn each_query_and_transaction_is_a_wait_and_a_use_of_the_pool() {
    let tool = testbed::require!(tools::postgres());
    let server = LocalPostgres::builder().bin_dirs([tool.bin_dir().to_owned()]).start();
    let mut server = server.expect("Postgres starts");
    let address = start(&server.url()).await;

    for _ in 0..5 {
        assert_eq!(place(address, 2), 201);
    }
    assert_eq!(place(address, 0), 400);
    assert_eq!(get(address, "/orders/1").json().expect("JSON")["item"], "tea");
    assert_eq!(get(address, "/orders/99").status, 404);
    let orders = get(address, "/orders").json().expect("JSON");
    assert_eq!(orders.as_array().map(Vec::len), Some(5));

    let page = get(address, "/metrics").text();
    for line in [
        "db_client_acquires_total{outcome=\"acquired\",pool=\"main\"} 9",
        "db_client_use_duration_seconds_count{pool=\"main\"} 9",
        "db_client_connections_max{pool=\"main\"} 4",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
    // Levels are as of the last second.
    let is_idle = || {
        let report = get(address, "/metrics/database?pool=main").json().expect("JSON");
        report["metrics"]["activeConnections"] == 0
    };
    assert!(Deadline::after(PATIENCE).until(is_idle), "all connections were returned");

    wait_for_ready(address, 200);
    // Stopped, and not killed: a server for tests writes nothing at once, and would lose the table.
    server.stop();
    wait_for_ready(address, 503);
    assert_eq!(get(address, "/health/live").status, 200);
    server.restart().expect("it starts again");
    wait_for_ready(address, 200);
    // A connection from before may still be in the pool, and fail the request that gets it.
    assert!(Deadline::after(PATIENCE).until(|| place(address, 1) == 201), "orders are taken again");
}
