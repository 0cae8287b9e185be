//! The facade over HTTP: clients' addresses, an address of its own, the gate, and what is judged.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::BodyExt as _;
use node0::{HttpSettings, Kind, ManualClock, Monitoring, Network, Severity, Testing, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{Service, ServiceExt as _};

/// Sends a request over a socket, and returns the answer.
async fn ask(address: SocketAddr, path: &str, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let has_host = headers.iter().any(|line| line.starts_with("host:"));
    let host = if has_host { "" } else { "host: localhost\r\n" };
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\n{host}{lines}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Sends a request to a router, reads the answer to its end, and returns its status.
async fn send<S>(service: &S, path: &str) -> StatusCode
where
    S: Service<Request<Body>, Response: IntoResponse> + Clone,
    S::Error: std::fmt::Debug,
{
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap().into_response();
    let status = response.status();
    let _ = response.into_body().collect().await;
    status
}

fn me() -> Router {
    Router::new().route("/me", get(async |peer: ConnectInfo<SocketAddr>| peer.0.ip().to_string()))
}

#[tokio::test]
async fn handlers_learn_the_address_of_their_client() {
    let monitoring = Monitoring::builder().build().unwrap();
    let listeners = [bind("127.0.0.1:0").await.unwrap(), bind("127.0.0.1:0").await.unwrap()];
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let [ours, axums] = listeners;
    let serving = monitoring.clone();
    tokio::spawn(async move { serving.serve(ours, me()).await });
    let watched = monitoring.watch(me()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(axums, watched).await });
    for address in addresses {
        let answer = ask(address, "/me", &[]).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
    }
    monitoring.shutdown().abort();
}

#[tokio::test]
async fn the_endpoints_have_an_address_of_their_own_by_one_line() {
    let monitoring = Monitoring::builder().build().unwrap();
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let admin = tokio::spawn(monitoring.serve_routes(listener).unwrap());
    for path in ["/metrics", "/health/live", "/health/performance"] {
        let answer = ask(address, path, &[]).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    monitoring.shutdown().abort();
    admin.await.unwrap();
}

#[tokio::test]
async fn on_loopback_only_the_names_of_loopback_are_answered() {
    let monitoring = Monitoring::builder().http(|it| it.hosts(["shop.test"])).build().unwrap();
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(monitoring.serve_routes(listener).unwrap());
    for path in ["/metrics", "/metrics/openapi.json", "/health/performance", "/health/live"] {
        let answer = ask(address, path, &["host: rebound.example"]).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert!(answer.contains("host_not_allowed"), "{path}: {answer}");
        for host in ["host: localhost:3000", "host: 127.0.0.1", "host: shop.test"] {
            let answer = ask(address, path, &[host]).await;
            assert!(!answer.starts_with("HTTP/1.1 403"), "{path} {host}: {answer}");
            let lower = answer.to_ascii_lowercase();
            assert!(lower.contains("x-content-type-options: nosniff"), "{answer}");
            assert!(lower.contains("x-frame-options: deny"), "{answer}");
        }
    }
    monitoring.shutdown().abort();
}

#[tokio::test]
async fn networks_see_the_client_in_whatever_order_they_are_set() {
    let networks = |text: &str| [text.parse::<Network>().unwrap()];
    for (network, status) in [("127.0.0.0/8", "HTTP/1.1 200"), ("192.0.2.0/24", "HTTP/1.1 403")] {
        let settings: [Box<dyn FnOnce(HttpSettings) -> HttpSettings>; 2] = [
            Box::new(|http| http.networks(networks(network)).without_connect_info()),
            Box::new(|http| http.without_connect_info().networks(networks(network))),
        ];
        for settings in settings {
            let monitoring = Monitoring::builder().http(settings).build().unwrap();
            let listener = bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (serving, app) = (monitoring.clone(), monitoring.routes().unwrap());
            tokio::spawn(async move { serving.serve(listener, app).await });
            let answer = ask(address, "/metrics", &[]).await;
            assert!(answer.starts_with(status), "{network}: {answer}");
            monitoring.shutdown().abort();
        }
    }
}

#[tokio::test]
async fn routes_of_the_host_can_be_protected_too() {
    let monitoring = Monitoring::testing();
    let switch = axum::routing::post(async || "on");
    let app: Router = monitoring.gate().protect(Router::new().route("/switch", switch));
    for (name, value, status) in [
        ("origin", "http://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "http://shop.test", 200),
        ("sec-fetch-site", "same-origin", 200),
        ("accept", "*/*", 200),
    ] {
        let request = Request::post("/switch").header("host", "shop.test").header(name, value);
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{name}: {value}");
    }
}

/// Returns the count of the latency of all requests.
fn requests(testing: &Testing) -> u64 {
    testing.performance().latency_percentiles("http:request").map_or(0, |it| it.count)
}

#[tokio::test]
async fn own_endpoints_and_named_paths_are_no_requests_of_the_service() {
    let settings = Monitoring::builder().http(|it| it.ignore(["/healthz"]));
    let testing = settings.testing().unwrap();
    let clock: ManualClock = testing.clock().clone();
    let slow = get(async move || {
        clock.advance(Duration::from_secs(3));
        "an order"
    });
    let app = Router::new()
        .route("/orders", slow)
        .route("/healthz", get(async || "fine"))
        .merge(testing.routes().unwrap())
        .nest("/ops", testing.routes().unwrap());
    let app = testing.watch(app);
    for _ in 0..30 {
        for path in ["/healthz", "/metrics", "/health/live", "/ops/metrics", "/health/performance"]
        {
            send(&app, path).await;
        }
    }
    send(&app, "/orders").await;
    assert_eq!(requests(&testing), 1);
    let p95 = testing.performance().latency_percentiles("http:request").unwrap().p95.unwrap();
    assert!(p95 > Duration::from_secs(2), "{p95:?}");
    let labels = [
        ("http_request_method", "GET"),
        ("http_route", "/ops/metrics"),
        ("http_response_status_code", "200"),
    ];
    let scrapes = testing.value("http_server_request_duration_seconds", &labels);
    assert_eq!(scrapes, Some(30.0), "by route they are shown");
}

#[tokio::test]
async fn event_streams_beside_fast_pages_are_no_slow_requests() {
    let testing = Monitoring::testing();
    let events = get(async || {
        ([("content-type", "text/event-stream")], Body::from_stream(Endless)).into_response()
    });
    let app = testing.watch(Router::new().route("/events", events).route("/", get(async || "hi")));
    let mut streams = Vec::new();
    for _ in 0..20 {
        let request = Request::get("/events").body(Body::empty()).unwrap();
        streams.push(app.clone().oneshot(request).await.unwrap());
    }
    for _ in 0..100 {
        send(&app, "/").await;
    }
    testing.clock().advance(Duration::from_secs(6));
    drop(streams);
    assert_eq!(requests(&testing), 120, "their ends are counted");
    let p95 = testing.performance().latency_percentiles("http:request").unwrap().p95.unwrap();
    assert!(p95 < Duration::from_millis(10), "{p95:?}");
}

/// A body that never ends.
struct Endless;

impl futures_util::Stream for Endless {
    type Item = Result<axum::body::Bytes, std::convert::Infallible>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

/// Serves orders that all fail, and returns the findings about them.
async fn failing(mut testing: Testing) -> Vec<(String, Severity)> {
    let app =
        testing.watch(Router::new().route(
            "/orders",
            get(async || -> Response { StatusCode::BAD_GATEWAY.into_response() }),
        ));
    for _ in 0..30 {
        assert_eq!(send(&app, "/orders").await, 502);
    }
    testing.advance(Duration::from_secs(1));
    let sample = testing.sample();
    let findings = testing.performance().assess(&sample).findings;
    findings.into_iter().map(|it| (it.code.to_string(), it.severity)).collect()
}

#[tokio::test]
async fn requests_that_fail_are_a_finding_unless_they_are_not_to_be_judged() {
    let expected = ("failing_operation".to_owned(), Severity::Critical);
    assert_eq!(failing(Monitoring::testing()).await, [expected]);
    let settings = Monitoring::builder().http(|it| it.without_failures());
    assert_eq!(failing(settings.testing().unwrap()).await, []);
}

#[tokio::test]
async fn the_buckets_of_requests_are_a_setting() {
    let settings = Monitoring::builder().http(|it| it.buckets(&[0.25, 2.5]));
    let testing = settings.testing().unwrap();
    let app = testing.watch(Router::new().route("/", get(async || "hello")));
    send(&app, "/").await;
    let page = testing.export();
    let name = "http_server_request_duration_seconds_bucket";
    let lines = page.lines().filter(|line| line.starts_with(name) && line.contains("\"200\""));
    assert_eq!(lines.count(), 3, "two bounds and infinity:\n{page}");
    let unsorted = Monitoring::builder().http(|it| it.buckets(&[2.5, 0.25])).build();
    unsorted.expect_err("they do not rise");
}

#[tokio::test]
async fn a_router_with_the_layer_records_by_template() {
    let testing = Monitoring::testing();
    let orders = Router::new().route("/orders/{id}", get(async || "an order"));
    let app = Router::new().nest("/shop", orders).layer(testing.layer());
    send(&app, "/shop/orders/7").await;
    let labels = [
        ("http_request_method", "GET"),
        ("http_route", "/shop/orders/{id}"),
        ("http_response_status_code", "200"),
    ];
    assert_eq!(testing.value("http_server_request_duration_seconds", &labels), Some(1.0));
}

#[tokio::test]
async fn what_is_served_outlives_the_handle_of_its_monitoring() {
    let monitoring = Monitoring::builder().version("1.2.3").build().unwrap();
    drop(monitoring.register_metric("jobs", Kind::Counter, "Jobs.", 7.0, &[]).unwrap());
    let registry = monitoring.registry().clone();
    let router: Router = monitoring.routes().unwrap();
    drop(monitoring);
    let tick = registry.latest().tick;
    while registry.latest().tick < tick + 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8_lossy(&page);
    let version = env!("CARGO_PKG_VERSION");
    let build_info =
        format!("node0_build_info{{node0_version=\"{version}\",version=\"1.2.3\"}} 1\n");
    assert!(page.contains(&build_info), "{page}");
    assert!(page.contains("\njobs_total 7\n"), "{page}");
    drop(router);
    assert!(registry.ticker().is_ok(), "with the router, sampling ends");
}
