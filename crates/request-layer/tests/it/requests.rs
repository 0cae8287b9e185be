//! The metrics of requests.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, StreamBody};
use node0_metrics_core::{Desc, Latency, ManualClock, Measuring, Registry, Value};
use node0_performance_monitor::PerformanceMonitor;
use node0_request_layer::{
    ACTIVE_REQUESTS, LongLived, REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION,
    RequestLayer, UNMATCHED, WatchedRouter,
};
use tokio::sync::mpsc;
use tower::ServiceExt;

/// A recorded router over a registry with a manual clock.
struct Watched {
    clock: ManualClock,
    registry: Registry,
    layer: RequestLayer,
    router: WatchedRouter,
}

fn watched(router: Router) -> Watched {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let performance = PerformanceMonitor::register(&registry).expect("the topic is free");
    let latency = performance.latency(REQUEST_OPERATION).expect("there is room");
    let throughput = performance.throughput(REQUESTS_OPERATION).expect("there is room");
    let layer = RequestLayer::register(&registry).expect("the names are free");
    let layer = layer.operation(latency, throughput);
    Watched { clock, registry, router: layer.wrap(router), layer }
}

fn orders() -> Router {
    Router::new()
        .route("/orders", get(async || "all"))
        .route("/orders/{id}", get(async |Path(id): Path<String>| id))
        .route("/never", get(std::future::pending::<&str>))
        .route("/bomb", get(async || -> &str { panic!("told to") }))
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).expect("well-formed")
}

impl Watched {
    async fn send(&self, method: Method, path: &str) -> u16 {
        let response =
            self.router.clone().oneshot(request(method, path)).await.expect("infallible");
        let status = response.status().as_u16();
        response.into_body().collect().await.expect("a whole body");
        status
    }

    /// Returns the count and the sum in seconds of one series.
    fn recorded(&self, method: &str, route: &str, status: &str) -> (u64, f64) {
        let labels = [
            ("http_request_method", method),
            ("http_route", route),
            ("http_response_status_code", status),
        ];
        match self.registry.read().snapshot.value(REQUEST_DURATION.name(), &labels) {
            Some(Value::Histogram(histogram)) => {
                (histogram.total().count(), histogram.total().sum())
            }
            _ => (0, 0.0),
        }
    }

    fn active(&self) -> f64 {
        let sample = self.registry.read();
        let family = sample.snapshot.family(ACTIVE_REQUESTS.name());
        family.into_iter().flat_map(|family| family.series()).map(|(_, value)| value.as_f64()).sum()
    }

    /// Returns the numbers of requests in the latency and in the throughput of all requests.
    fn of_operation(&self) -> [Option<f64>; 2] {
        let sample = self.registry.read();
        let of = |metric, operation| {
            let value = sample.snapshot.value(metric, &[("operation", operation)]);
            value.map(Value::as_f64)
        };
        [of("operation_duration_seconds", "http:request"), of("operations_total", "http:requests")]
    }

    /// Returns the counts of all series that are not zero.
    fn counts(&self) -> Vec<f64> {
        let sample = self.registry.read();
        let family = sample.snapshot.family(REQUEST_DURATION.name());
        let series = family.into_iter().flat_map(|family| family.series());
        series.map(|(_, value)| value.as_f64()).filter(|count| *count > 0.0).collect()
    }
}

#[tokio::test]
async fn a_request_is_recorded_by_its_template() {
    let watched = watched(orders());
    for path in ["/orders/1", "/orders/2", "/orders/3?x=y"] {
        assert_eq!(watched.send(Method::GET, path).await, 200);
    }
    for _ in 0..3 {
        watched.send(Method::GET, "/orders").await;
    }
    assert_eq!(watched.recorded("GET", "/orders/{id}", "200").0, 3);
    assert_eq!(watched.recorded("GET", "/orders", "200").0, 3);
    assert_eq!(watched.active(), 0.0);
    assert_eq!(watched.of_operation(), [Some(6.0); 2]);
}

/// Marks the responses of a router.
fn marked(router: Router, mark: fn(&mut Response)) -> Router {
    router.layer(axum::middleware::map_response(move |mut response: Response| async move {
        mark(&mut response);
        response
    }))
}

#[tokio::test]
async fn streams_are_in_flight_and_count_by_the_time_to_their_head() {
    let marks: [fn(&mut Response); 2] = [
        |response| {
            response.extensions_mut().insert(LongLived);
        },
        |response| {
            let events = http::HeaderValue::from_static("text/event-stream; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, events);
        },
    ];
    for mark in marks {
        let (tx, router) = streaming();
        let watched = watched(marked(router, mark));
        let response = watched.router.clone().oneshot(request(Method::GET, "/stream")).await;
        watched.clock.advance(Duration::from_secs(3));
        assert_eq!((watched.active(), watched.of_operation()), (1.0, [Some(0.0); 2]));
        drop((tx, response));
        let (count, sum) = watched.recorded("GET", "/stream", "cancelled");
        assert!(count == 1 && sum < 1e-5, "{count} in {sum} s");
        assert_eq!((watched.active(), watched.of_operation()), (0.0, [Some(1.0); 2]));
    }
}

#[tokio::test]
async fn an_upgrade_counts_by_the_time_to_its_head() {
    let upgrade = get(async || http::StatusCode::SWITCHING_PROTOCOLS);
    let watched = watched(Router::new().route("/upgrade", upgrade));
    assert_eq!(watched.send(Method::GET, "/upgrade").await, 101);
    assert_eq!(watched.recorded("GET", "/upgrade", "101").0, 1);
    assert_eq!(watched.of_operation(), [Some(1.0); 2]);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_a_stream_once_it_lasts_long() {
    for (length, expected) in [(4, 4.0), (6, 0.0)] {
        let (tx, router) = streaming();
        let watched = watched(router);
        let response = watched.router.clone().oneshot(request(Method::GET, "/stream")).await;
        watched.clock.advance(Duration::from_secs(length));
        drop((tx, response));
        let (_, sum) = watched.recorded("GET", "/stream", "cancelled");
        assert!((sum - expected).abs() < 1e-5, "{sum} s, and not {expected}");
    }
}

#[tokio::test]
async fn ignored_routes_are_recorded_by_route_and_not_of_the_operation() {
    let watched = watched(orders().nest("/ops", orders()));
    let layer = watched.layer.clone().ignore(["/orders", "/ops/*", UNMATCHED]);
    layer.set_aside("/bomb");
    for path in ["/orders", "/ops/orders", "/ops/orders/7", "/no/such", "/orders/7", "/orders/8"] {
        watched.send(Method::GET, path).await;
    }
    assert_eq!(watched.recorded("GET", "/ops/orders/{id}", "200").0, 1);
    assert_eq!(watched.recorded("GET", "/orders", "200").0, 1);
    assert_eq!(watched.of_operation(), [Some(2.0); 2]);
    layer.set_aside("/orders/{id}");
    watched.send(Method::GET, "/orders/9").await;
    assert_eq!(watched.of_operation(), [Some(2.0); 2]);
    assert_eq!(watched.recorded("GET", "/orders/{id}", "200").0, 3);
}

#[tokio::test]
async fn requests_for_which_the_service_is_at_fault_are_failures() {
    const FAILED: Desc = Desc::counter("failed_total", "Failed requests.");
    async fn answer(Path(status): Path<u16>) -> http::StatusCode {
        http::StatusCode::from_u16(status).expect("a status")
    }
    let watched = watched(orders().route("/answer/{status}", get(answer)));
    let failed = watched.registry.counter(&FAILED, &[]).expect("there is room");
    let layer = watched.layer.clone().failures(failed.clone());
    for (path, failures) in
        [("/answer/200", 0), ("/answer/404", 0), ("/answer/500", 1), ("/answer/503", 2)]
    {
        watched.send(Method::GET, path).await;
        assert_eq!(failed.total(), failures, "{path}");
    }
    let router = watched.router.clone();
    let task = tokio::spawn(router.oneshot(request(Method::GET, "/bomb")));
    task.await.expect_err("it panics");
    assert_eq!(failed.total(), 3);
    layer.set_aside("/answer/{status}");
    watched.send(Method::GET, "/answer/500").await;
    assert_eq!(failed.total(), 3, "the route is none of the operation");
}

#[tokio::test]
async fn a_layer_of_a_router_knows_the_templates_of_its_routes() {
    let watched = watched(Router::new());
    let layered = |router: Router| router.layer(watched.layer.clone());
    let router = layered(orders().nest("/nested", orders()))
        .nest_service("/inner", layered(orders()))
        .nest("/with_layer", layered(orders()));
    for (path, template) in [
        ("/orders/7", "/orders/{id}"),
        ("/nested/orders/7", "/nested/orders/{id}"),
        ("/inner/orders/7", "/inner/orders/{id}"),
        ("/with_layer/orders/7", "/with_layer/orders/{id}"),
    ] {
        let answer = router.clone().oneshot(request(Method::GET, path)).await;
        answer.expect("infallible").into_body().collect().await.expect("a whole body");
        assert_eq!(watched.recorded("GET", template, "200").0, 1, "{template}");
    }
    assert_eq!(watched.of_operation(), [Some(4.0); 2]);
}

#[tokio::test]
async fn operation_is_given_once_and_shared_by_clones() {
    const OPERATIONS: Desc = Desc::counter("operations_total", "Requests.").labels(&["place"]);
    let registry = Registry::new();
    let layer = RequestLayer::register(&registry).expect("the names are free");
    let router = layer.clone().wrap(orders());
    let send = async || {
        let request = request(Method::GET, "/orders");
        let response = router.clone().oneshot(request).await.expect("infallible");
        response.into_body().collect().await.expect("a whole body");
    };
    send().await;
    let [first, second] = ["first", "second"]
        .map(|place| registry.counter(&OPERATIONS, &[place]).expect("the description is right"));
    let layer = layer.operation(Latency::disabled(), first.clone());
    drop(layer.operation(Latency::disabled(), second.clone()));
    send().await;
    assert_eq!((first.total(), second.total()), (1, 0));
}

#[tokio::test]
async fn whatever_no_route_matches_is_one_series() {
    let watched = watched(orders());
    for number in 0..10_000_u64 {
        let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert_eq!(watched.send(Method::GET, &format!("/{scrambled:x}")).await, 404);
    }
    assert_eq!(watched.recorded("GET", UNMATCHED, "404").0, 10_000);
    assert_eq!(watched.counts(), [10_000.0]);
}

#[tokio::test]
async fn unknown_methods_are_one() {
    let watched = watched(orders());
    for name in ["BREW", "STEEP", "POUR"] {
        let method = Method::from_bytes(name.as_bytes()).expect("a method");
        watched.send(method, "/orders").await;
    }
    assert_eq!(watched.recorded("_OTHER", "/orders", "405").0, 3);
}

#[tokio::test]
async fn a_request_that_is_given_up_counts_with_its_time() {
    let watched = watched(orders());
    let mut pending = Box::pin(watched.router.clone().oneshot(request(Method::GET, "/never")));
    let mut ctx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(pending.as_mut().poll(&mut ctx).is_pending());
    assert_eq!(watched.active(), 1.0);
    watched.clock.advance(Duration::from_secs(3));
    drop(pending);
    assert_eq!(watched.recorded("GET", "/never", "cancelled"), (1, 3.0));
    assert_eq!(watched.active(), 0.0);
}

#[tokio::test]
async fn a_handler_that_panics_counts_as_such() {
    let watched = watched(orders());
    let router = watched.router.clone();
    let task = tokio::spawn(router.oneshot(request(Method::GET, "/bomb")));
    assert!(task.await.expect_err("it panics").is_panic());
    assert_eq!(watched.recorded("GET", "/bomb", "panicked").0, 1);
    assert_eq!(watched.active(), 0.0);
}

/// Makes a route whose body consists of the chunks that the test sends.
fn streaming() -> (mpsc::Sender<Bytes>, Router) {
    let (tx, rx) = mpsc::channel::<Bytes>(1);
    let rx = std::sync::Arc::new(std::sync::Mutex::new(Some(rx)));
    let handler = move || async move {
        let mut rx = rx.lock().expect("no panic").take().expect("one request");
        let frames = std::iter::from_fn(move || rx.try_recv().ok());
        let frames = frames.map(|chunk| Ok::<_, Infallible>(http_body::Frame::data(chunk)));
        Body::new(StreamBody::new(tokio_stream(frames)))
    };
    (tx, Router::new().route("/stream", get(handler)))
}

/// Turns an iterator into a stream that is always ready.
fn tokio_stream<I: Iterator + Send + 'static>(items: I) -> futures_util::stream::Iter<I> {
    futures_util::stream::iter(items)
}

#[tokio::test]
async fn a_streamed_body_is_recorded_once_when_it_has_ended() {
    let (tx, router) = streaming();
    let watched = watched(router);
    let response = watched.router.clone().oneshot(request(Method::GET, "/stream")).await;
    let mut body = response.expect("infallible").into_body();
    for _ in 0..5 {
        tx.send(Bytes::from_static(&[0; 100])).await.expect("it is read");
        watched.clock.advance(Duration::from_millis(200));
        body.frame().await.expect("a chunk").expect("it is whole");
        assert!(watched.counts().is_empty(), "it has not ended");
    }
    assert!(body.frame().await.is_none());
    drop(body);
    let (count, sum) = watched.recorded("GET", "/stream", "200");
    assert_eq!(count, 1);
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
}

#[tokio::test]
async fn a_body_that_is_dropped_counts_as_cancelled() {
    let (tx, router) = streaming();
    let watched = watched(router);
    let response = watched.router.clone().oneshot(request(Method::GET, "/stream")).await;
    tx.send(Bytes::from_static(b"part")).await.expect("it is read");
    drop(response);
    assert_eq!(watched.recorded("GET", "/stream", "cancelled").0, 1);
}

#[tokio::test]
async fn a_request_with_axums_own_body_is_recorded_once_it_was_read() {
    let watched = watched(orders());
    let service = watched.router.clone().into_axum_service();
    for count in 1..3 {
        let response = service.clone().oneshot(request(Method::GET, "/orders/7")).await;
        assert_eq!(watched.recorded("GET", "/orders/{id}", "200").0, count - 1);
        let body = response.expect("infallible").into_body().collect().await;
        assert_eq!(body.expect("a whole body").to_bytes(), "7");
        assert_eq!(watched.recorded("GET", "/orders/{id}", "200").0, count);
    }
    assert_eq!(watched.active(), 0.0);
}

/// A server does not poll a body whose announced length is zero.
#[tokio::test]
async fn a_body_that_is_announced_as_empty_has_ended() {
    async fn empty() -> Response {
        let frames = std::iter::empty::<Result<http_body::Frame<Bytes>, Infallible>>();
        let body = Body::new(StreamBody::new(tokio_stream(frames)));
        ([(header::CONTENT_LENGTH, "0")], body).into_response()
    }
    let watched = watched(Router::new().route("/empty", get(empty)));
    let response = watched.router.clone().oneshot(request(Method::GET, "/empty")).await;
    drop(response);
    assert_eq!(watched.recorded("GET", "/empty", "200").0, 1);
}

#[tokio::test]
async fn nothing_is_recorded_while_measuring_is_off() {
    let watched = watched(orders());
    watched.registry.set_measuring(Measuring::Off);
    assert_eq!(watched.send(Method::GET, "/orders").await, 200);
    watched.registry.set_measuring(Measuring::On);
    assert!(watched.counts().is_empty());
}
