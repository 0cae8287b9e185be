//! Surfaces of a host: each kind of endpoint, and the errors of mounting.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderValue, StatusCode, Uri, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::rt::TokioIo;
use node0_exporter::Exporter;
use node0_http_glue::{
    ApiError, Endpoint, EndpointDesc, Mount, Parameter, Query, Readiness, RenderLimits,
    RenderSlots, Routes, RoutesError, Shutdown, Surface, bind, serve,
};
use node0_metrics_core::{RegisterError, Registry, Topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{DATABASE, QUEUE, Scripted, Served};

const METRIC: Parameter = Parameter::text("metric", "Returns this metric.").required();
const HTML: &str = "text/html; charset=utf-8";
const EVENTS: &str = "text/event-stream";

/// The endpoints of a live page: the page itself, its assets, earlier values as JSON, and a
/// stream of updates (an upgraded connection or server-sent events).
struct Live {
    page: &'static str,
}

impl Surface for Live {
    fn name(&self) -> &'static str {
        "live"
    }

    fn limits(&self, mut of_host: RenderLimits) -> RenderLimits {
        of_host.renders = 2;
        of_host
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        vec![
            EndpointDesc::get(self.page, "The live page.")
                .returns(HTML, "The page.")
                .handler(async || ([(header::CONTENT_TYPE, HTML)], "<h1>live</h1>"), ()),
            EndpointDesc::get("/assets/{*file}", "What the page is made of.")
                .parameter(Parameter::text("file", "A script or a style sheet."))
                .returns("text/javascript", "The file.")
                .error(StatusCode::NOT_FOUND, "not_found", "There is no such file.")
                .handler(asset, ()),
            EndpointDesc::get("/metrics/history", "The past of a metric.")
                .parameter(METRIC)
                .returns("application/json", "The values over time.")
                .error(StatusCode::NOT_FOUND, "unknown_metric", "There is no such metric.")
                .rendered(mount.slots())
                .handler(history, mount.slots().clone()),
            EndpointDesc::get("/metrics/stream", "Updates as they come.")
                .answer(StatusCode::SWITCHING_PROTOCOLS, "application/json", "One a message.")
                .returns(EVENTS, "One an event.")
                .handler(stream, ()),
        ]
    }
}

async fn asset(Path(file): Path<String>) -> Result<Response, ApiError> {
    match file.as_str() {
        "js/page.js" => Ok(([(header::CONTENT_TYPE, "text/javascript")], "run()").into_response()),
        _ => Err(ApiError::not_found(format!("there is no file `{file}`"), ["js/page.js"])),
    }
}

async fn history(State(slots): State<RenderSlots>, uri: Uri) -> Result<Response, ApiError> {
    let metric = Query::of(&uri).text(&METRIC)?.unwrap_or_default();
    let values = slots.run("history", move || format!(r#"{{"metric":"{metric}"}}"#)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], values).into_response())
}

async fn stream(mut request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut io = TokioIo::new(upgrade.await.expect("the server upgrades"));
            io.write_all(b"hello").await.expect("it is read");
        });
        let head = [(header::UPGRADE, "demo"), (header::CONNECTION, "upgrade")];
        return (StatusCode::SWITCHING_PROTOCOLS, head).into_response();
    }
    let events = ["event: snapshot\n\n", "event: update\n\n"];
    let frames =
        events.map(|event| Ok::<_, ApiError>(Frame::data(Bytes::from_static(event.as_bytes()))));
    let mut response = Response::new(Body::new(StreamBody::new(stream::iter(frames))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
    response
}

fn live() -> Served {
    Served::with(vec![Scripted::new(&DATABASE)], |routes| routes.surface(Live { page: "/" }))
}

#[tokio::test]
async fn pages_assets_json_and_events_are_mounted_alike() {
    let served = live();
    let check = async |uri: &str, status: u16, content_type: &str, body: &str| {
        let answer = served.get(uri).await;
        assert_eq!(answer.status, status, "{uri}");
        assert_eq!(answer.header("content-type"), content_type, "{uri}");
        assert!(answer.text().contains(body), "{uri}: {}", answer.text());
    };
    check("/", 200, HTML, "<h1>live</h1>").await;
    check("/assets/js/page.js", 200, "text/javascript", "run()").await;
    check("/assets/none", 404, "application/json", "js/page.js").await;
    check("/metrics/history?metric=a", 200, "application/json", r#"{"metric":"a"}"#).await;
    check("/metrics/history", 400, "application/json", "parameter `metric` is missing").await;
    check("/metrics/stream", 200, EVENTS, "event: update").await;
    // The endpoints of the crate itself still answer.
    check("/metrics/database", 200, "application/json", "target").await;

    let wrong = served.send(http::Method::POST, "/metrics/stream", &[]).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_connection_is_upgraded_by_a_surface() {
    let registry = Registry::new();
    let readiness = Readiness::builder(&registry).start();
    let routes = Routes::new(&registry, Exporter::new(), &readiness).surface(Live { page: "/" });
    let router = routes.router().expect("the paths differ");
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = Shutdown::new();
    tokio::spawn(serve(listener, router).shutdown(&shutdown).run());

    let mut client = TcpStream::connect(address).await.expect("it listens");
    let head =
        "GET /metrics/stream HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: demo\r\n\r\n";
    client.write_all(head.as_bytes()).await.expect("it is read");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("the handler ends the connection");
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    shutdown.abort();
}

#[tokio::test]
async fn a_surface_sets_limits_of_its_own() {
    let answers = live().get("/metrics/openapi.json").await.json()["paths"].clone();
    let busy = |path: &str| answers[path]["get"]["responses"]["503"]["description"].clone();
    let text = |places| {
        format!(
            "{places} answers of this kind are being made already, or this one takes longer than 10 s."
        )
    };
    assert_eq!(busy("/metrics"), text(4));
    assert_eq!(busy("/metrics/history"), text(2));
}

#[tokio::test]
async fn the_index_has_each_path_with_its_method_and_summary() {
    let registry = Registry::new();
    registry.monitor(Arc::new(Scripted::new(&DATABASE))).expect("a new topic");
    let readiness = Readiness::builder(&registry).start();
    let routes = Routes::new(&registry, Exporter::new(), &readiness).surface(Live { page: "/" });
    let index = routes.index();
    assert!(index.endpoints().is_empty(), "the router is not made yet");
    let _: Router = routes.router().expect("the paths differ");
    let paths = || {
        let endpoints = index.endpoints();
        assert!(endpoints.iter().all(|entry| entry.method() == "GET"));
        assert!(endpoints.iter().all(|entry| entry.summary().ends_with('.')));
        endpoints.iter().map(|entry| entry.path().to_owned()).collect::<Vec<_>>()
    };
    let ours = [
        "/metrics",
        "/metrics/export.json",
        "/metrics/openapi.json",
        "/metrics/{topic}",
        "/metrics/database",
        "/health/performance",
        "/health/live",
        "/livez",
        "/health/ready",
        "/readyz",
    ];
    let of_host = ["/", "/assets/{*file}", "/metrics/history", "/metrics/stream"];
    assert_eq!(paths(), [&ours[..], &of_host].concat());

    registry.monitor(Arc::new(Scripted::new(&QUEUE))).expect("a new topic");
    assert!(paths().contains(&"/metrics/queue".to_owned()), "a topic that joined later");
}

/// A surface with the given name and paths.
struct At(&'static str, &'static [&'static str]);

impl Surface for At {
    fn name(&self) -> &'static str {
        self.0
    }

    fn endpoints(&self, _: &Mount) -> Vec<Endpoint> {
        let endpoint =
            |path: &&'static str| EndpointDesc::get(*path, "A test.").handler(async || (), ());
        self.1.iter().map(endpoint).collect()
    }
}

/// Returns the error of making the router, if there is one.
fn refusal(registry: &Registry, surfaces: Vec<At>) -> Option<RoutesError> {
    let readiness = Readiness::builder(registry).start();
    let routes = Routes::new(registry, Exporter::new(), &readiness);
    let routes = surfaces.into_iter().fold(routes, Routes::surface);
    routes.router::<()>().err()
}

#[tokio::test]
async fn two_surfaces_with_one_path_are_refused_by_both_names() {
    let check = |surfaces: Vec<At>, wanted: (&str, &str, &str)| {
        let error = refusal(&Registry::new(), surfaces).expect("it is refused");
        let RoutesError::PathTaken { path, first, second } = &error else { panic!("{error}") };
        assert_eq!((path.as_str(), *first, *second), wanted);
        let text = error.to_string();
        assert!([wanted.0, wanted.1, wanted.2].iter().all(|part| text.contains(part)), "{text}");
    };
    check(vec![At("host", &["/metrics"])], ("/metrics", "pages", "host"));
    check(vec![At("host", &["/livez"])], ("/livez", "probes", "host"));
    check(vec![At("host", &["/metrics/{id}"])], ("/metrics/{id}", "reports", "host"));
    check(vec![At("a", &["/x"]), At("b", &["/y", "/x"])], ("/x", "a", "b"));
    check(vec![At("a", &["/x/{id}"]), At("b", &["/x/{*rest}"])], ("/x/{*rest}", "a", "b"));
    check(vec![At("a", &["/x", "/x"])], ("/x", "a", "a"));
}

#[tokio::test]
async fn a_path_that_is_none_is_refused() {
    for path in ["jobs", "/jobs/{}", "/{*all}/jobs", "/:id", "/a{b}"] {
        let surface = At("host", Box::leak(Box::new([path])));
        let error = refusal(&Registry::new(), vec![surface]).expect("it is refused");
        assert!(matches!(&error, RoutesError::InvalidPath { surface: "host", .. }), "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_topics_path_and_a_surfaces_never_meet() {
    let error = refusal(&Registry::new(), vec![At("host", &["/metrics/queue"])]);
    let error = error.expect("a topic `queue` might come later");
    assert!(matches!(&error, RoutesError::PathOfTopics { surface: "host", .. }), "{error}");
    for free in ["/metrics/queue.json", "/metrics/queue/all", "/queue"] {
        assert!(refusal(&Registry::new(), vec![At("host", Box::leak(Box::new([free])))]).is_none());
    }
    for ours in Topic::RESERVED {
        let topic = Box::leak(Box::new(Topic::new(ours, "ours")));
        let refused = Registry::new().monitor(Arc::new(Scripted::new(topic)));
        assert!(matches!(refused, Err(RegisterError::TopicName { .. })), "{ours}: {refused:?}");
    }
}

#[tokio::test]
async fn a_registry_without_room_is_named_as_the_cause() {
    let registry = Registry::builder().max_families(1).build();
    let error = refusal(&registry, vec![]).expect("it is refused");
    let RoutesError::Register(cause) = error else { panic!("{error}") };
    assert!(matches!(cause, RegisterError::TooManyFamilies { .. }), "{cause}");
}
