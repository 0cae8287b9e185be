//! A service with a stream, on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use node0_aggregator::Aggregator;
use node0_exporter::Exporter;
use node0_http_glue::{
    Gate, Readiness, Routes, STREAM_CLOSED, STREAM_REFUSED, Shutdown, StreamEndpoint, bind, serve,
};
use node0_metrics_core::{Registry, Value};
use node0_performance_monitor::PerformanceMonitor;
use node0_request_layer::{REQUEST_OPERATION, REQUESTS_OPERATION, RequestLayer};
use node0_streaming::{STREAM_CLIENTS, Streaming, StreamingBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::client::Reader;
use crate::support::{DATABASE, QUEUE, Scripted};

/// The longest time that anything may take which does not wait for a limit of the stream.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A running service; dropping it aborts the server.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) shutdown: Shutdown,
    pub(crate) server: Option<JoinHandle<()>>,
    _aggregator: Aggregator,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(|streaming| streaming, |endpoint| endpoint).await
    }

    /// Starts a service whose endpoints are behind this gate.
    pub(crate) async fn behind(gate: Gate) -> Self {
        let monitors = [&DATABASE, &QUEUE].map(Scripted::new);
        Self::over(monitors, |streaming| streaming, |endpoint| endpoint, gate).await
    }

    /// Starts a service whose reports have 4 KiB and differ each time.
    pub(crate) async fn with_large_reports() -> Self {
        let monitors = [&DATABASE, &QUEUE].map(|topic| {
            let (mut monitor, count) = (Scripted::new(topic), AtomicU64::new(0));
            monitor.report = Box::new(move |_| {
                let count = count.fetch_add(1, Ordering::Relaxed);
                Ok(json!({ "count": count, "padding": "x".repeat(4096) }))
            });
            monitor
        });
        Self::over(monitors, |streaming| streaming, |endpoint| endpoint, Gate::new()).await
    }

    /// Starts a service with the topics `database` and `queue`.
    pub(crate) async fn with(
        streaming: impl FnOnce(StreamingBuilder) -> StreamingBuilder,
        endpoint: impl FnOnce(StreamEndpoint) -> StreamEndpoint,
    ) -> Self {
        let monitors = [&DATABASE, &QUEUE].map(Scripted::new);
        Self::over(monitors, streaming, endpoint, Gate::new()).await
    }

    async fn over(
        monitors: [Scripted; 2],
        streaming: impl FnOnce(StreamingBuilder) -> StreamingBuilder,
        endpoint: impl FnOnce(StreamEndpoint) -> StreamEndpoint,
        gate: Gate,
    ) -> Self {
        let registry = Registry::new();
        for monitor in monitors {
            registry.monitor(Arc::new(monitor)).expect("topics differ");
        }
        let performance = PerformanceMonitor::register(&registry).expect("the topic is free");
        let latency = performance.latency(REQUEST_OPERATION).expect("there is room");
        let throughput = performance.throughput(REQUESTS_OPERATION).expect("there is room");
        let requests = RequestLayer::register(&registry).expect("the names are free");
        let requests = requests.operation(latency, throughput);

        let aggregator = Aggregator::start(&registry).expect("a thread");
        let streaming = streaming(Streaming::builder());
        let streaming = streaming.start(&registry, aggregator.subscribe()).expect("a thread");
        let stream = StreamEndpoint::register(&registry, &streaming).expect("the names are free");
        let readiness = Readiness::builder(&registry).start();
        let routes =
            Routes::new(&registry, Exporter::new(), &readiness).gate(&gate).set_aside(&requests);
        let routes = routes.surface(endpoint(stream)).router().expect("the paths differ");
        let app = Router::new().route("/hello", get(async || "hello")).merge(routes);

        let shutdown = Shutdown::new()
            .drain_delay(Duration::from_millis(500))
            .at_begin(move || streaming.close());
        let listener = bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = serve(listener, app)
            .record(&requests)
            .shutdown(&shutdown)
            .connect_info()
            .max_connections(1000)
            .header_timeout(Duration::from_secs(1));
        let server = tokio::spawn(server.metrics(&registry).expect("the names are free").run());
        let service =
            Self { address, registry, shutdown, server: Some(server), _aggregator: aggregator };
        // Before the first pass there is nothing to send.
        service.until(SOON, |service| service.registry.latest().pass > 0).await;
        service
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Connects with a small receive buffer.
    pub(crate) async fn connect_small(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("an option");
        socket.connect(self.address).await.expect("it listens")
    }

    /// Opens a WebSocket with this query.
    pub(crate) async fn open(&self, query: &str) -> Reader {
        Reader::over(self.connect().await, query).await
    }

    /// Sends a request with some header lines, and returns the status, the head and the body.
    pub(crate) async fn get(&self, target: &str, headers: &[&str]) -> (u16, String, String) {
        let mut stream = self.connect().await;
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let has_host = lines.to_ascii_lowercase().contains("host:");
        let host = if has_host { "" } else { "host: localhost\r\n" };
        let request = format!("GET {target} HTTP/1.1\r\n{host}{lines}\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is read");
        let mut answer = Vec::new();
        // Until the body is there, or for a stream, until the first message.
        let read = async {
            let mut bytes = [0; 4096];
            while !is_whole(&answer) {
                match stream.read(&mut bytes).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => answer.extend_from_slice(&bytes[..read]),
                }
            }
        };
        timeout(SOON, read).await.expect("an answer in time");
        // After an upgrade follow frames.
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), head.to_ascii_lowercase(), body.to_owned())
    }

    /// Returns the value of a metric, summed over the series with this label value.
    pub(crate) fn value(&self, name: &str, label: &str) -> f64 {
        let sample = self.registry.read();
        let family = sample.snapshot.family(name);
        let series = family.into_iter().flat_map(|family| family.series());
        let of_label = series.filter(|(labels, _)| labels.iter().any(|(_, value)| value == label));
        of_label.map(|(_, value)| Value::as_f64(value)).sum()
    }

    pub(crate) fn clients(&self) -> f64 {
        self.value(STREAM_CLIENTS.name(), "websocket") + self.value(STREAM_CLIENTS.name(), "sse")
    }

    pub(crate) fn closed(&self, reason: &str) -> f64 {
        self.value(STREAM_CLOSED.name(), reason)
    }

    pub(crate) fn refused(&self, reason: &str) -> f64 {
        self.value(STREAM_REFUSED.name(), reason)
    }

    /// Waits until a condition holds.
    pub(crate) async fn until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !holds(self) {
            assert!(Instant::now() < end, "not within {limit:?}: {:?}", self.all_closed());
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn all_closed(&self) -> String {
        let sample = self.registry.read();
        let family = sample.snapshot.family(STREAM_CLOSED.name());
        let series = family.into_iter().flat_map(|family| family.series());
        series.map(|(labels, value)| format!("{labels:?} {} ", value.as_f64())).collect()
    }
}

/// Returns `true` if the answer has the body that its head announces, or is a 101.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => length.parse().is_ok_and(|length: usize| body.len() >= length),
        None => head.starts_with("http/1.1 101") || body.contains("\n\n"),
    }
}
