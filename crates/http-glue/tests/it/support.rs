//! Helpers for the tests: a monitor made of closures, and requests without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use node0_exporter::Exporter;
use node0_http_glue::{Index, Readiness, Routes};
use node0_metrics_core::{
    Judgement, ManualClock, Monitor, ReadinessCheck, Registry, Report, Topic, UnknownTarget, View,
};
use serde_json::Value;
use tower::ServiceExt;

/// A closure that makes the report of a target.
type ReportOf = Box<dyn Fn(Option<&str>) -> Result<Value, UnknownTarget> + Send + Sync>;

/// A monitor whose judgement and report are closures.
pub(crate) struct Scripted {
    pub(crate) topic: &'static Topic,
    pub(crate) judge: Box<dyn Fn() -> Judgement + Send + Sync>,
    pub(crate) report: ReportOf,
    pub(crate) checks: Vec<Arc<dyn ReadinessCheck>>,
}

impl Scripted {
    /// Makes a healthy monitor that knows the targets `main` and `other`.
    pub(crate) fn new(topic: &'static Topic) -> Self {
        Self {
            topic,
            judge: Box::new(|| Judgement::healthy("fine")),
            report: Box::new(|target| match target {
                None | Some("main" | "other") => Ok(serde_json::json!({ "target": target })),
                Some(unknown) => Err(UnknownTarget {
                    target: unknown.to_owned(),
                    known: vec!["main".to_owned(), "other".to_owned()],
                }),
            }),
            checks: Vec::new(),
        }
    }
}

impl Monitor for Scripted {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        (self.judge)()
    }

    fn report(&self, _: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        (self.report)(target).map(Report::new)
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        self.checks.clone()
    }
}

pub(crate) static DATABASE: Topic = Topic::new("database", "database").target("pool").required();
pub(crate) static QUEUE: Topic = Topic::new("queue", "queue");

/// Longer than any test takes, so that reports hang as long as a test wants them to.
const FOREVER: Duration = Duration::from_secs(600);

/// A registry with a manual clock, and the router of all endpoints.
pub(crate) struct Served {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) readiness: Readiness,
    pub(crate) index: Index,
    pub(crate) router: Router,
}

impl Served {
    pub(crate) fn new(monitors: Vec<Scripted>) -> Self {
        Self::with(monitors, |routes| routes)
    }

    pub(crate) fn with(monitors: Vec<Scripted>, settings: impl FnOnce(Routes) -> Routes) -> Self {
        let clock = ManualClock::new();
        let believing = Registry::builder().hysteresis(1).min_status_duration(Duration::ZERO);
        let registry = believing.clock(clock.clock()).report_timeout(FOREVER).build();
        for monitor in monitors {
            registry.monitor(Arc::new(monitor)).expect("topics differ");
        }
        Self::over(clock, registry, settings)
    }

    pub(crate) fn over(
        clock: ManualClock,
        registry: Registry,
        settings: impl FnOnce(Routes) -> Routes,
    ) -> Self {
        let readiness = Readiness::builder(&registry).start();
        let routes = Routes::new(&registry, Exporter::new(), &readiness).version("1.0.0");
        let routes = settings(routes);
        let index = routes.index();
        let router = routes.router().expect("the registry has room");
        Self { clock, registry, readiness, index, router }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.send(Method::GET, uri, &[]).await
    }

    pub(crate) async fn send(&self, method: Method, uri: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a well-formed request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: head.status, headers: head.headers, body: body.to_vec() }
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header(header::CONTENT_TYPE.as_str()), "application/json");
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}
