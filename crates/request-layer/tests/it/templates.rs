//! The route of a request: always the template that axum matched.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::routing::any;
use http::Request;
use http_body_util::BodyExt;
use node0_metrics_core::{Labels, Registry, Value};
use node0_request_layer::{REQUEST_DURATION, RequestLayer, UNMATCHED, WatchedRouter};
use proptest::prelude::*;
use tower::ServiceExt;

/// The segments of random templates; most overlap with others.
const SEGMENTS: [&str; 7] = ["a", "b", "a-{x}", "{x}", "{y}", "{*rest}", "ä"];
/// The segments of random paths.
const PARTS: [&str; 7] = ["a", "b", "a-b", "c", "", "%C3%A4", "{x}"];

/// Makes a router of the templates, without those that axum refuses.
fn router(templates: &[Vec<usize>], nested: &[Vec<usize>]) -> Router {
    let mut known = matchit::Router::new();
    let mut fits = |template: &str| known.insert(template, ()).is_ok();
    let tell = any(async |matched: MatchedPath| matched.as_str().to_owned());
    let (mut outer, mut inner) = (Router::new(), Router::new());
    for template in templates.iter().map(|segments| join(&SEGMENTS, segments)) {
        if fits(&template) {
            outer = outer.route(&template, tell.clone());
        }
    }
    for template in nested.iter().map(|segments| join(&SEGMENTS, segments)) {
        if fits(&format!("/a/nested{template}")) {
            inner = inner.route(&template, tell.clone());
        }
    }
    outer.nest("/a/nested", inner)
}

fn join(names: &[&str], segments: &[usize]) -> String {
    segments.iter().map(|segment| format!("/{}", names[*segment])).collect()
}

/// Sends a request, and returns the template that its handler saw.
async fn ask(router: &WatchedRouter, path: &str) -> String {
    let request = Request::builder().uri(path).body(Body::empty()).expect("well-formed");
    let response = router.clone().oneshot(request).await.expect("infallible");
    let is_found = response.status().is_success();
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    match is_found {
        true => String::from_utf8_lossy(&body).into_owned(),
        false => UNMATCHED.to_owned(),
    }
}

/// Returns the recorded requests by route.
fn recorded(registry: &Registry) -> BTreeMap<String, u64> {
    let sample = registry.read();
    let family = sample.snapshot.family(REQUEST_DURATION.name()).expect("it is registered");
    let count = |value: &Value| value.as_f64() as u64;
    let series = family.series().filter(|(_, value)| count(value) > 0);
    let route = |labels: &Labels| labels.get("http_route").unwrap_or_default().to_owned();
    series.map(|(labels, value)| (route(labels), count(value))).collect()
}

proptest! {
    #[test]
    fn route_is_the_template_that_axum_matched(
        templates in prop::collection::vec(prop::collection::vec(0..SEGMENTS.len(), 1..4), 0..8),
        nested in prop::collection::vec(prop::collection::vec(0..SEGMENTS.len(), 1..3), 0..4),
        paths in prop::collection::vec(prop::collection::vec(0..PARTS.len(), 1..5), 1..40),
    ) {
        let registry = Registry::new();
        let layer = RequestLayer::register(&registry).expect("the names are free");
        let watched = layer.wrap(router(&templates, &nested));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut expected = BTreeMap::new();
        // The second round finds what the first has taught.
        for path in paths.iter().chain(&paths) {
            let seen = runtime.block_on(ask(&watched, &join(&PARTS, path)));
            *expected.entry(seen).or_insert(0) += 1;
        }
        prop_assert_eq!(recorded(&registry), expected);
    }
}
