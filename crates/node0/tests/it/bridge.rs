//! The `metrics` facade: its series on node0's page, and node0's series in its recorder.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use node0::bridge::{Appendix, Publisher, Recorder};
use node0::{MonitoredPool, Monitoring};
use node0_metrics_core::DEFAULT_LATENCY_BOUNDS;
use testbed::exposition::{self, Family};
use testbed::tools;
use tower::ServiceExt as _;

async fn page(routes: Router) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = routes.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn what_the_facade_records_is_on_the_page_as_our_own() {
    let testing = Monitoring::testing();
    let recorder = Recorder::register(testing.registry()).unwrap();
    metrics::with_local_recorder(&recorder, || metrics::counter!("visits_total").increment(3));
    assert!(page(testing.routes().unwrap()).await.contains("\nvisits_total 3\n"));
}

#[tokio::test]
async fn page_of_an_existing_handle_is_appended_without_what_we_have() {
    let testing = Monitoring::testing();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        metrics::counter!("visits_total").increment(7);
        metrics::gauge!("node0_build_info").set(2.0);
    });
    let appendix = Appendix::register(testing.registry(), recorder.handle()).unwrap();
    let routes = testing.routes_with(|routes| {
        routes.appendix(move |page| {
            appendix.append_to(page);
        })
    });
    let page = page(routes.unwrap()).await;
    assert!(page.contains("\nvisits_total 7\n"), "{page}");
    assert_eq!(page.matches("# TYPE node0_build_info ").count(), 1);
    let skipped = testing.value("node0_bridge_appendix_families_skipped_total", &[]);
    assert_eq!(skipped, Some(1.0));
}

#[tokio::test]
async fn our_numbers_reach_the_installed_recorder_each_tick() {
    let other = PrometheusBuilder::new().build_recorder();
    let handle = other.handle();
    metrics::set_global_recorder(other).unwrap();
    let monitoring = Monitoring::builder()
        .recording(|registry| registry.tick(Duration::from_millis(10)))
        .build()
        .unwrap();
    let publishing = tokio::spawn(monitoring.publish(Publisher::new()));
    monitoring.performance().record_throughput("jobs", 5);
    let published = async {
        while !handle.render().contains("operations_total{operation=\"jobs\"} 5") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), published).await.expect("a tick has passed");
    monitoring.stop();
    publishing.await.unwrap();
}

struct Connector;

impl Manager for Connector {
    type Type = ();
    type Error = std::convert::Infallible;

    async fn create(&self) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Self::Error> {
        Ok(())
    }
}

fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted =
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let samples = families.iter().flat_map(|family| &family.samples);
    let mut found = samples.filter(|sample| sample.name == name && sample.labels == wanted);
    found.next().map(|sample| sample.value).unwrap_or_else(|| panic!("{name} {labels:?}"))
}

#[tokio::test]
async fn pool_metrics_appear_in_a_stock_exporter() {
    let client = testbed::require!(tools::prometheus_client());
    let mut testing = Monitoring::testing();
    let pool = Pool::builder(Connector).max_size(4);
    let pool: MonitoredPool<Connector> = testing.database().build("main", pool).unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(pool.get().await.unwrap());
    }

    let theirs = PrometheusBuilder::new().set_buckets(DEFAULT_LATENCY_BOUNDS).unwrap();
    let theirs = theirs.build_recorder();
    let mut publisher = Publisher::new();
    for _ in 0..3 {
        testing.advance(Duration::from_secs(1));
        let sample = testing.registry().latest();
        metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
    }
    let read = exposition::parse_text(&client, &theirs.handle().render()).unwrap();
    let pool = ("pool", "main");
    assert_eq!(value(&read, "db_client_connections", &[pool, ("state", "used")]), 3.0);
    assert_eq!(value(&read, "db_client_connections_max", &[pool]), 4.0);
    assert_eq!(value(&read, "db_client_acquires_total", &[pool, ("outcome", "acquired")]), 3.0);
    assert_eq!(value(&read, "db_client_wait_duration_seconds_count", &[pool]), 3.0);
    let bucket = [pool, ("le", "0.0005")];
    assert_eq!(value(&read, "db_client_wait_duration_seconds_bucket", &bucket), 3.0);
    let kind = |name: &str| &read.iter().find(|family| family.name == name).unwrap().kind;
    assert_eq!(kind("db_client_acquires"), "counter");
    assert_eq!(kind("db_client_connections"), "gauge");
    assert_eq!(kind("db_client_wait_duration_seconds"), "histogram");
    let help = read.iter().find(|family| family.name == "db_client_connections_max");
    assert_eq!(help.unwrap().help, "Maximum number of open connections that the pool allows.");
    drop(held);
}
