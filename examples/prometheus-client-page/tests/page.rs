//! One page with the metrics of both.

use node0_db_pool_monitor::{PoolLevels, PoolMonitor};
use node0_metrics_core::{ManualClock, Registry};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client_page::Node0;
use std::time::Duration;

#[test]
fn page_has_the_services_own_metrics_and_node0s() {
    let clock = ManualClock::new();
    let node0 = Registry::builder().clock(clock.clock()).build();
    let monitor = PoolMonitor::register(&node0).expect("it is the first");
    let levels = PoolLevels { used: Some(2), idle: Some(3), ..PoolLevels::default() };
    let pool = monitor.pool("main", move || Some(levels)).expect("the name is free");
    pool.acquired(Duration::from_millis(3));
    pool.acquired(Duration::from_secs(20));
    clock.advance(Duration::from_secs(1));
    node0.ticker().expect("nobody else ticks").tick();

    let mut theirs = prometheus_client::registry::Registry::default();
    let orders = Counter::<u64>::default();
    theirs.register("orders", "Orders that were placed", orders.clone());
    theirs.register_collector(Box::new(Node0(node0)));
    orders.inc();
    let mut page = String::new();
    encode(&mut page, &theirs).expect("a string takes any text");

    for line in [
        "orders_total 1",
        "db_client_connections{pool=\"main\",state=\"used\"} 2.0",
        "db_client_acquires_total{outcome=\"acquired\",pool=\"main\"} 2",
        "db_client_wait_duration_seconds_bucket{le=\"0.0025\",pool=\"main\"} 0",
        "db_client_wait_duration_seconds_bucket{le=\"0.005\",pool=\"main\"} 1",
        "db_client_wait_duration_seconds_bucket{le=\"10.0\",pool=\"main\"} 1",
        "db_client_wait_duration_seconds_bucket{le=\"+Inf\",pool=\"main\"} 2",
        "db_client_wait_duration_seconds_count{pool=\"main\"} 2",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
}
