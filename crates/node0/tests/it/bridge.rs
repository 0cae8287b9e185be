//! The `metrics` facade beside us: its series on our page, and ours in its recorder.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use node0::Monitoring;
use node0::bridge::{Appendix, Publisher, Recorder};
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
