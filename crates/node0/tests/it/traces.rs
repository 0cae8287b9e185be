//! Exemplars from a real Prometheus, and the spans of OpenTelemetry that they lead to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use node0::{Exporter, Latency, Monitoring, NativeHistograms, RequestSpans, Traces, serve};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::json;
use testbed::deadline::Stopwatch;
use testbed::prometheus::{Exemplar, Prometheus, ScrapeJob};
use testbed::{Deadline, http, tools};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

/// What differs between the clocks of the test, of node0 and of OpenTelemetry, in seconds.
const CLOCKS: f64 = 0.002;

/// The milliseconds that requests take: one for each of three buckets.
const WORK: [u64; 3] = [2, 60, 300];

/// The bounds of requests' buckets, in seconds.
const BOUNDS: [f64; 15] =
    [0.0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A service with traces; its spans are made by tracing-opentelemetry.
struct Service {
    monitoring: Monitoring,
    address: SocketAddr,
    spans: InMemorySpanExporter,
}

impl Service {
    fn start() -> Self {
        let exporter = Exporter::builder().native_histograms(NativeHistograms::new());
        let monitoring = Monitoring::builder().exposition(exporter).traces(Traces::opentelemetry());
        let monitoring = monitoring.build().expect("the defaults are right");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let spans = InMemorySpanExporter::default();
        // On a thread of its own, so that its subscriber is not that of the other tests.
        let (served, exported) = (monitoring.clone(), spans.clone());
        thread::spawn(move || serve_traced(served, listener, exported));
        Self { monitoring, address, spans }
    }

    /// Sends requests, and returns the seconds that each took by its trace, as its client saw it.
    fn send(&self) -> HashMap<String, f64> {
        let targets = WORK.iter().flat_map(|millis| vec![format!("/sleep/{millis}"); 3]);
        let sent = targets.map(|target| {
            let stopwatch = Stopwatch::start();
            let trace = http::get(self.address, &target).expect("an answer").text();
            (trace, stopwatch.elapsed().as_secs_f64())
        });
        sent.collect()
    }

    /// Returns the finished spans by trace.
    fn spans(&self) -> HashMap<String, SpanData> {
        let spans = self.spans.get_finished_spans().expect("it exports");
        spans.into_iter().map(|span| (span.span_context.trace_id().to_string(), span)).collect()
    }
}

fn serve_traced(
    monitoring: Monitoring,
    listener: std::net::TcpListener,
    exporter: InMemorySpanExporter,
) {
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(spans).with(RequestSpans);
    let _default = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        listener.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let step = monitoring.performance().latency("step").expect("there is room");
        let work = async move |Path(millis): Path<u64>| {
            work(&step, millis).instrument(tracing::info_span!("request")).await
        };
        let app = Router::new().route("/sleep/{millis}", get(work));
        let app = app.merge(monitoring.routes().expect("there is room"));
        serve(listener, app).record(&monitoring.layer()).run().await;
    });
}

/// Works for a while under a timer, and answers with the trace.
async fn work(step: &Latency, millis: u64) -> String {
    step.time(tokio::time::sleep(Duration::from_millis(millis))).await;
    tracing::Span::current().context().span().span_context().trace_id().to_string()
}

/// Returns exemplars once there is one for each of three buckets.
fn exemplars(server: &Prometheus, query: &str) -> Vec<Exemplar> {
    let found = || server.exemplars(query).expect("the query is right");
    let are_there = Deadline::seconds(30).until(|| found().len() >= WORK.len());
    assert!(are_there, "{query}: {:?} {}", found(), server.log());
    found()
}

#[test]
fn an_exemplar_that_prometheus_finds_leads_to_the_span_of_its_request() {
    let service = Service::start();
    let took = service.send();
    let flags = ["--enable-feature=native-histograms,exemplar-storage"];
    let start = |tool, option| {
        let job = ScrapeJob::new("app", service.address).option(option, json!(true));
        Prometheus::start_with(&tool, &[job], &flags).expect("it starts")
    };
    let (old, new) =
        (testbed::require!(tools::prometheus_2_53()), testbed::require!(tools::prometheus_3_5()));
    let servers = [
        (start(old, "scrape_classic_histograms"), false),
        (start(new, "always_scrape_classic_histograms"), true),
    ];
    let spans = service.spans();
    // The span is within the request, and the request within what its client saw.
    let check = |found: &Exemplar| {
        let (trace, value) = (&found.labels["trace_id"], found.point.value);
        let span = spans.get(trace).unwrap_or_else(|| panic!("no span of {trace}: {spans:?}"));
        assert_eq!(found.labels["span_id"], span.span_context.span_id().to_string());
        let inside = span.end_time.duration_since(span.start_time).expect("it ends later");
        let within = inside.as_secs_f64() - CLOCKS..=took[trace] + CLOCKS;
        assert!(within.contains(&value), "{value} s is not in {within:?}");
    };
    for (server, reads_all) in &servers {
        let request = "http_server_request_duration_seconds";
        let route = r#"{http_route="/sleep/{millis}"}"#;
        for found in exemplars(server, &format!("{request}_bucket{route}")) {
            check(&found);
            let bound: f64 = found.series["le"].parse().expect("a bound");
            let before = BOUNDS.iter().rfind(|before| **before < bound).expect("zero");
            assert!(*before < found.point.value && found.point.value <= bound, "{found:?}");
        }
        for found in exemplars(server, &format!("{request}{route}")) {
            check(&found);
            assert!(!found.series.contains_key("le"), "it is of the native histogram");
            let (low, high) = (found.point.value / 1.06, found.point.value * 1.06);
            let share = format!("histogram_fraction({low}, {high}, {request}{route}) > 0");
            assert_eq!(server.query(&share).expect("the query is right").len(), 1, "{found:?}");
        }
        // 2.53 loses the native exemplars of all series of a family but the first.
        let native = reads_all.then_some(r#"operation_duration_seconds{operation="step"}"#);
        let bounded = r#"operation_duration_seconds_bucket{operation="step"}"#;
        for found in native.into_iter().chain([bounded]).flat_map(|it| exemplars(server, it)) {
            let span = &spans[&found.labels["trace_id"]];
            assert_eq!(found.labels["span_id"], span.span_context.span_id().to_string());
        }
        let dropped = "prometheus_tsdb_exemplar_out_of_order_exemplars_total";
        assert_eq!(server.own_metric(dropped).expect("an answer"), 0.0);
    }
    let report = service.monitoring.sample().report("performance", None).expect("it reports");
    let slowest = serde_json::to_value(report).expect("numbers and texts")["slowest"].clone();
    assert!(spans.contains_key(slowest["traceId"].as_str().expect("it is traced")), "{slowest}");
    assert!(slowest["durationMs"].as_f64().expect("a number") >= 300.0, "{slowest}");
    service.monitoring.stop();
}
