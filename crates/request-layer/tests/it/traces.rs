//! Traces of requests, from the header and from OpenTelemetry's spans.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use node0_metrics_core::{Desc, Exemplar, ManualClock, Registry, Value};
use node0_request_layer::{REQUEST_DURATION, RequestLayer, Traces};
use tower::ServiceExt;
use tower_layer::Layer;

const STEP: Desc = Desc::latency("step_seconds", "Time of a step.");

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// A registry and a layer with the same source of traces, and a handler with a timer.
struct Traced {
    registry: Registry,
    requests: RequestLayer,
    router: Router,
}

fn traced(traces: Traces) -> Traced {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).traces(move || traces.current());
    let registry = registry.build();
    let requests = RequestLayer::register(&registry).expect("the names are free").traces(traces);
    let step = registry.latency(&STEP, &[]).expect("there is room");
    let order = async move || {
        tokio::task::yield_now().await;
        step.start().stop();
        // The body ends in a poll of its own, when the handler has ended.
        let frames =
            ["an", "order"].map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(part))));
        Response::new(Body::new(StreamBody::new(futures_util::stream::iter(frames))))
    };
    Traced { registry, requests, router: Router::new().route("/orders", get(order)) }
}

impl Traced {
    /// Sends a request to the router as it is recorded by templates.
    async fn send(&self, headers: &[&str]) {
        let response = self.requests.wrap(self.router.clone()).oneshot(request(headers)).await;
        response.expect("infallible").into_body().collect().await.expect("a whole body");
    }

    /// Returns the exemplars of the requests and those of the step.
    fn found(&self) -> [Vec<Exemplar>; 2] {
        let sample = self.registry.read();
        [REQUEST_DURATION.name(), STEP.name()].map(|name| {
            let family = sample.snapshot.family(name).expect("it is registered");
            let histograms = family.series().filter_map(|(_, value)| match value {
                Value::Histogram(histogram) => Some(histogram.exemplars()),
                _ => None,
            });
            histograms.flatten().copied().collect()
        })
    }
}

fn request(headers: &[&str]) -> Request<Body> {
    let builder = Request::builder().uri("/orders");
    let builder = headers.iter().fold(builder, |builder, it| builder.header("traceparent", *it));
    builder.body(Body::empty()).expect("well-formed")
}

fn ids(exemplars: &[Exemplar]) -> Vec<(String, String)> {
    let ids = |it: &Exemplar| (it.trace.to_string(), it.span.expect("a span").to_string());
    exemplars.iter().map(ids).collect()
}

#[tokio::test]
async fn the_header_names_the_trace_of_a_request_and_of_the_timers_in_it() {
    // The template of the first request is followed, that of the second is known before.
    for headers in [&[&[PARENT][..]][..], &[&[], &[PARENT]]] {
        let traced = traced(Traces::traceparent());
        let router = traced.requests.wrap(traced.router.clone());
        for headers in headers {
            let response = router.clone().oneshot(request(headers)).await.expect("infallible");
            response.into_body().collect().await.expect("a whole body");
        }
        for exemplars in traced.found() {
            assert_eq!(ids(&exemplars), [(TRACE.to_owned(), SPAN.to_owned())]);
        }
    }
}

#[tokio::test]
async fn what_is_not_sampled_or_not_valid_is_no_exemplar() {
    let traced = traced(Traces::traceparent());
    traced.send(&[UNSAMPLED]).await;
    traced.send(&[]).await;
    traced.send(&["nonsense"]).await;
    traced.send(&[PARENT, PARENT]).await;
    assert_eq!(traced.found(), [vec![], vec![]]);

    let all = self::traced(Traces::traceparent().unsampled());
    all.send(&[UNSAMPLED]).await;
    assert!(all.found().iter().all(|exemplars| exemplars.len() == 1));
}

#[tokio::test]
async fn the_trace_of_one_request_is_not_that_of_the_next() {
    let traced = traced(Traces::traceparent());
    let step = traced.registry.latency(&STEP, &[]).expect("it is there");
    let (mut first, mut second) =
        (Box::pin(traced.send(&[PARENT])), Box::pin(traced.send(&[UNSAMPLED])));
    // Both are polled in turn on this thread, and neither has ended.
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    step.start().stop();
    assert_eq!(traced.found(), [vec![], vec![]], "outside of both there is no trace");
    second.await;
    assert_eq!(traced.found(), [vec![], vec![]]);
    first.await;
    assert!(traced.found().iter().all(|found| ids(found) == [(TRACE.into(), SPAN.into())]));
}

#[tokio::test]
async fn requests_to_any_service_have_their_traces_too() {
    let traced = traced(Traces::traceparent());
    let service = traced.requests.layer(traced.router.clone());
    let response = service.oneshot(request(&[PARENT])).await.unwrap();
    response.into_body().collect().await.expect("a whole body");
    for exemplars in traced.found() {
        assert_eq!(ids(&exemplars), [(TRACE.to_owned(), SPAN.to_owned())]);
    }
}

#[tokio::test]
async fn a_layer_without_traces_reads_no_header() {
    let traced = traced(Traces::traceparent());
    let registry = Registry::new();
    let plain = RequestLayer::register(&registry).expect("the names are free");
    let router = plain.wrap(traced.router.clone());
    let sent = router.oneshot(request(&[PARENT])).await;
    sent.expect("infallible").into_body().collect().await.expect("a whole body");
    let _step = registry.latency(&STEP, &[]).expect("there is room");
    assert_eq!(Traced { registry, ..traced }.found(), [vec![], vec![]]);
}

#[tokio::test]
async fn a_cancelled_request_has_its_trace() {
    let traced = traced(Traces::traceparent());
    let mut cancelled = Box::pin(traced.send(&[PARENT]));
    assert!(futures_util::poll!(&mut cancelled).is_pending());
    drop(cancelled);
    assert_eq!(ids(&traced.found()[0]), [(TRACE.to_owned(), SPAN.to_owned())]);
}

#[cfg(feature = "tracing-opentelemetry")]
mod of_spans {
    use node0_request_layer::RequestSpans;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
    use tracing::Instrument;
    use tracing::subscriber::DefaultGuard;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// A provider of traces whose spans are kept, and the subscriber of this thread.
    struct Spans {
        exporter: InMemorySpanExporter,
        _provider: SdkTracerProvider,
        _default: DefaultGuard,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Order {
        RequestSpansLast,
        RequestSpansFirst,
    }

    fn spans(sampler: Sampler, order: Order) -> Spans {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(sampler)
            .build();
        let tracer = provider.tracer("test");
        let registry = tracing_subscriber::registry();
        let default = match order {
            Order::RequestSpansLast => tracing::subscriber::set_default(
                registry
                    .with(tracing_opentelemetry::layer().with_tracer(tracer))
                    .with(RequestSpans),
            ),
            Order::RequestSpansFirst => tracing::subscriber::set_default(
                registry
                    .with(RequestSpans)
                    .with(tracing_opentelemetry::layer().with_tracer(tracer)),
            ),
        };
        Spans { exporter, _provider: provider, _default: default }
    }

    impl Spans {
        fn named(&self, name: &str) -> (String, String) {
            let finished = self.exporter.get_finished_spans().expect("it exports");
            let is_it = |span: &&SpanData| span.name == name;
            let context = &finished.iter().find(is_it).expect("it has ended").span_context;
            (context.trace_id().to_string(), context.span_id().to_string())
        }
    }

    /// The handler in a span of its request, and the step in one of its own.
    fn in_spans(traced: Traced) -> Traced {
        let step = traced.registry.latency(&STEP, &[]).expect("it is there");
        let order = async move || {
            let step = async move {
                tokio::task::yield_now().await;
                step.start().stop();
            };
            step.instrument(tracing::info_span!("step")).await;
            "an order"
        };
        let order = move || order.clone()().instrument(tracing::info_span!("request"));
        Traced { router: Router::new().route("/orders", get(order)), ..traced }
    }

    #[tokio::test]
    async fn a_request_has_its_outermost_span_and_a_timer_its_innermost() {
        for order in [Order::RequestSpansLast, Order::RequestSpansFirst] {
            let spans = spans(Sampler::AlwaysOn, order);
            let traced = in_spans(traced(Traces::opentelemetry()));
            traced.send(&[]).await;
            let [requests, steps] = traced.found();
            // Told on entering, or else on leaving, where the innermost is the first.
            let of_request = match order {
                Order::RequestSpansLast => spans.named("request"),
                Order::RequestSpansFirst => (spans.named("request").0, ids(&requests)[0].1.clone()),
            };
            assert_eq!(ids(&requests), [of_request]);
            assert_eq!(ids(&steps), [spans.named("step")]);
            assert_eq!(spans.named("step").0, spans.named("request").0, "one trace");
        }
    }

    #[tokio::test]
    async fn a_span_around_the_layer_is_that_of_the_request() {
        let spans = spans(Sampler::AlwaysOn, Order::RequestSpansLast);
        let traced = in_spans(traced(Traces::opentelemetry()));
        traced.send(&[]).instrument(tracing::info_span!("server")).await;
        assert_eq!(ids(&traced.found()[0]), [spans.named("server")]);
    }

    #[tokio::test]
    async fn spans_that_are_not_sampled_are_no_exemplars() {
        let _spans = spans(Sampler::AlwaysOff, Order::RequestSpansLast);
        let traced = in_spans(traced(Traces::opentelemetry()));
        traced.send(&[PARENT]).await;
        assert_eq!(traced.found(), [vec![], vec![]], "the host's sampler decides");
        let all = in_spans(self::traced(Traces::opentelemetry().unsampled()));
        all.send(&[]).await;
        assert!(all.found().iter().all(|exemplars| exemplars.len() == 1));
    }

    #[tokio::test]
    async fn a_timer_outside_of_requests_has_the_span_of_its_job() {
        let spans = spans(Sampler::AlwaysOn, Order::RequestSpansLast);
        let traced = traced(Traces::opentelemetry());
        let step = traced.registry.latency(&STEP, &[]).expect("it is there");
        step.time(tokio::time::sleep(Duration::ZERO)).instrument(tracing::info_span!("job")).await;
        assert_eq!(ids(&traced.found()[1]), [spans.named("job")]);
        step.time(tokio::time::sleep(Duration::ZERO)).await;
        assert_eq!(traced.found()[1].len(), 1);
    }
}
