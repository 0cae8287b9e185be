//! Native histograms, as real Prometheus servers ingest and query them.

use std::time::Duration;

use node0::{Exporter, Monitoring, NativeHistograms, serve};
use serde_json::json;
use testbed::prometheus::{Exemplar, Prometheus, ScrapeJob};
use testbed::{Deadline, tools};
use tokio::net::TcpListener;

const JOB: &str = r#"operation_duration_seconds{operation="job"}"#;

/// The values that are recorded, in seconds: spread over four powers of ten.
fn values() -> impl Iterator<Item = f64> {
    (0..2000).map(|nth| 1e-3 * 1.004_f64.powi(nth))
}

fn quantile(q: f64) -> f64 {
    let values: Vec<f64> = values().collect();
    values[(q * values.len() as f64).ceil() as usize - 1]
}

/// Returns the one number that a query gives; `None` if it gives none.
fn number(server: &Prometheus, query: &str) -> Option<f64> {
    let found = server.query(query).expect("the query is right");
    assert!(found.len() <= 1, "{query}: {found:?}");
    found.first().and_then(|series| series.last())
}

// The test's own task may block: the servers are asked on its thread and serve on others.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_has_the_counts_the_quantiles_and_the_traces() {
    let exporter = Exporter::builder().native_histograms(NativeHistograms::new());
    let monitoring = Monitoring::builder().exposition(exporter).build().unwrap();
    let job = monitoring.performance().latency("job").unwrap();
    values().for_each(|value| job.record(Duration::from_secs_f64(value)));
    // One for each of three buckets, the slowest first.
    let traced = [(2.2, 1_u128), (0.3, 2), (0.004, 3)];
    for (value, trace) in traced {
        job.record_traced(Duration::from_secs_f64(value), node0::TraceId::new(trace));
        tokio::time::sleep(Duration::from_millis(5)).await; // so that their times differ
    }
    let count = values().count() as f64 + traced.len() as f64;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = ScrapeJob::new("app", listener.local_addr().unwrap());
    let app = tokio::spawn(serve(listener, monitoring.routes().unwrap()).run());
    let flags = ["--enable-feature=native-histograms,exemplar-storage"];
    let start = |tool, option: Option<&str>| {
        let job = option.into_iter().fold(target.clone(), |job, key| job.option(key, json!(true)));
        Prometheus::start_with(&tool, &[job], &flags).expect("it starts")
    };
    let servers = [
        (start(testbed::require!(tools::prometheus_2_42()), None), false),
        (
            start(testbed::require!(tools::prometheus_2_53()), Some("scrape_classic_histograms")),
            true,
        ),
        (
            start(
                testbed::require!(tools::prometheus_3_5()),
                Some("always_scrape_classic_histograms"),
            ),
            true,
        ),
    ];
    for (server, keeps_classic) in &servers {
        let counted = || number(server, &format!("histogram_count({JOB})"));
        let scraped = Deadline::seconds(30).until(|| counted() == Some(count));
        assert!(scraped, "{:?}: {}", counted(), server.log());
        for q in [0.5, 0.95, 0.99] {
            let found = number(server, &format!("histogram_quantile({q}, {JOB})")).unwrap();
            let exact = quantile(q);
            assert!((found / exact - 1.0).abs() < 0.05, "{q}: {found} is not {exact}");
        }
        let classic = number(server, r#"operation_duration_seconds_count{operation="job"}"#);
        assert_eq!(classic, keeps_classic.then_some(count), "2.42 keeps one of the two");
        let bucket = r#"operation_duration_seconds_bucket{operation="job",le="+Inf"}"#;
        assert_eq!(number(server, bucket), keeps_classic.then_some(count));
        let found = server.exemplars(JOB).expect("the query is right");
        // 2.42 takes those of the buckets with bounds, in their order, and drops one that is older
        // than the one before.
        for (value, trace) in traced.iter().rev().take(if *keeps_classic { 3 } else { 1 }) {
            let trace = format!("{trace:032x}");
            let is_found = |exemplar: &Exemplar| {
                (exemplar.point.value - value).abs() < 1e-6 && exemplar.labels["trace_id"] == trace
            };
            assert!(found.iter().any(is_found), "{value} {trace}: {found:?}");
        }
    }
    app.abort();
    monitoring.stop();
}
