//! The exemplars on the page are those of the spans that were exported.

use std::collections::HashSet;

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use testbed::http;
use tokio::net::TcpListener;
use traced_service::{app, monitoring, subscriber};

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_timers_name_the_exported_spans() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    tracing::subscriber::set_global_default(subscriber(&provider)).expect("none is set");

    let monitoring = monitoring().expect("the defaults are right");
    let stock = monitoring.performance().latency("stock").expect("there is room");
    let app = app(stock).merge(monitoring.routes().expect("there is room"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let server = node0::serve(listener, app).record(&monitoring.layer());
    tokio::spawn(server.run());

    // The test's own task may block: others serve.
    for id in [1, 40] {
        http::get(address, &format!("/orders/{id}")).expect("an answer");
    }
    let openmetrics =
        http::Request::get("/metrics").header("accept", "application/openmetrics-text");
    let page = openmetrics.send(address).expect("an answer").text();

    let spans = exporter.get_finished_spans().expect("it exports");
    let span_of = |line: &str| {
        let span = spans.iter().find(|span| {
            let context = &span.span_context;
            line.contains(&format!(
                "# {{trace_id=\"{}\",span_id=\"{}\"}}",
                context.trace_id(),
                context.span_id()
            ))
        });
        span.map(|span| span.span_context.trace_id())
    };
    for series in
        ["http_server_request_duration_seconds_bucket", "operation_duration_seconds_bucket"]
    {
        let exemplars =
            page.lines().filter(|line| line.starts_with(series) && line.contains(" # "));
        let traces: HashSet<_> =
            exemplars.map(|line| span_of(line).expect("an exported span")).collect();
        assert_eq!(traces.len(), 2, "{series}: {page}");
    }
    monitoring.stop();
}
