//! Endpoints, parameters and methods: the accepted ones, and the errors for the others.

use http::Method;
use serde_json::{Value, json};

use crate::support::{DATABASE, QUEUE, Scripted, Served};

fn served() -> Served {
    Served::new(vec![Scripted::new(&DATABASE), Scripted::new(&QUEUE)])
}

const ENDPOINTS: [&str; 10] = [
    "/metrics",
    "/metrics/export.json",
    "/metrics/openapi.json",
    "/metrics/database",
    "/metrics/queue",
    "/health/performance",
    "/health/live",
    "/livez",
    "/health/ready",
    "/readyz",
];

#[tokio::test]
async fn a_bad_value_of_a_known_parameter_is_refused_by_name() {
    let served = served();
    let long = "x".repeat(10_000);
    let bad = ["", "sideways", "-1", "1e999", "NaN", "%ff", "TRUE", &long];
    let words = [
        ("/metrics", "naming", json!(["standard", "classic", "both"])),
        ("/health/performance", "detailed", json!(["true", "false"])),
        ("/health/performance", "metrics", json!(["true", "false"])),
    ];
    for (path, parameter, allowed) in words {
        let repeated = format!("{0}&{parameter}={0}", allowed[0].as_str().expect("a word"));
        for value in bad.into_iter().chain([repeated.as_str()]) {
            let answer = served.get(&format!("{path}?{parameter}={value}")).await;
            let case = format!("{path} {parameter}={value:.40}");
            assert_eq!(answer.status, 400, "{case}");
            assert_eq!(answer.header("cache-control"), "no-store", "{case}");
            let error = &answer.json()["error"];
            assert_eq!(error["code"], "invalid_parameter", "{case}");
            assert_eq!(error["parameter"], parameter, "{case}");
            assert_eq!(error["allowed"], allowed, "{case}");
            assert!(error["message"].as_str().is_some_and(|text| text.contains(parameter)));
        }
    }
}

#[tokio::test]
async fn a_target_that_is_no_name_is_refused_and_an_unknown_one_not_found() {
    let served = served();
    let long = "x".repeat(10_000);
    for value in ["", "main&pool=main", "%ff", &long] {
        let answer = served.get(&format!("/metrics/database?pool={value}")).await;
        assert_eq!(answer.status, 400, "{value:.40}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["code"], &error["parameter"]),
            (&json!("invalid_parameter"), &json!("pool"))
        );
    }
    for value in ["sideways", "-1", "1e999", "NaN", "%22%0A", "%3Cscript%3E"] {
        let answer = served.get(&format!("/metrics/database?pool={value}")).await;
        assert_eq!(answer.status, 404, "{value}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "unknown_pool", "{value}");
        assert_eq!(error["parameter"], "pool", "{value}");
        assert_eq!(error["known"], json!(["main", "other"]), "{value}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let served = served();
    served.readiness.started();
    for endpoint in ENDPOINTS {
        let answer = served.get(&format!("{endpoint}?nobody=knows&nobody=&%ff=%ff&")).await;
        assert_eq!(answer.status, 200, "{endpoint}");
    }
    let answer = served.get("/metrics/queue?pool=none").await;
    assert_eq!(answer.json()["target"], Value::Null);
}

#[tokio::test]
async fn every_other_method_is_refused_with_those_that_are_allowed() {
    let served = served();
    for endpoint in ENDPOINTS {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let answer = served.send(method.clone(), endpoint, &[]).await;
            assert_eq!(answer.status, 405, "{method} {endpoint}");
            assert_eq!(answer.header("allow"), "GET, HEAD", "{method} {endpoint}");
            assert_eq!(answer.header("cache-control"), "no-store", "{method} {endpoint}");
            assert_eq!(answer.json()["error"]["code"], "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let served = served();
    served.readiness.started();
    for endpoint in ENDPOINTS {
        let get = served.get(endpoint).await;
        let head = served.send(Method::HEAD, endpoint, &[]).await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{endpoint}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{endpoint}");
        assert_eq!(head.header("cache-control"), "no-store", "{endpoint}");
        assert_ne!(head.header("content-length"), "0", "{endpoint}");
    }
}

#[tokio::test]
async fn an_unknown_topic_is_not_found_with_those_that_are_known() {
    let served = served();
    let answer = served.get("/metrics/weather").await;
    assert_eq!(answer.status, 404);
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "unknown_topic");
    assert_eq!(error["known"], json!(["database", "queue"]));

    let answer = served.get("/metrics/%ff").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["parameter"], "topic");
}

#[tokio::test]
async fn a_page_is_in_the_format_that_was_asked_for() {
    let served = served();
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let wants = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let check = async |uri, accept: &str, expected| {
        let answer = served.send(Method::GET, uri, &[("accept", accept)]).await;
        assert_eq!(answer.status, 200, "{uri} {accept}");
        assert_eq!(answer.header("content-type"), expected, "{uri} {accept}");
        // No metric in this registry has a classic name, so that page is empty.
        assert_eq!(answer.body.is_empty(), uri.ends_with("=classic"), "{uri} {accept}");
    };
    check("/metrics", "*/*", text).await;
    check("/metrics", "image/png", text).await;
    check("/metrics", wants, openmetrics).await;
    check("/metrics?naming=standard", wants, openmetrics).await;
    check("/metrics?naming=classic", wants, text).await;
    check("/metrics?naming=both", wants, text).await;
}

#[tokio::test]
async fn a_report_that_panics_is_an_internal_error_of_its_topic_alone() {
    let mut bad = Scripted::new(&DATABASE);
    bad.report = Box::new(|_| panic!("on purpose"));
    let served = Served::new(vec![bad, Scripted::new(&QUEUE)]);
    let answer = served.get("/metrics/database").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["error"]["code"], "internal");
    assert_eq!(served.get("/metrics/queue").await.status, 200);

    let health = served.get("/health/performance?metrics=true").await;
    assert_eq!(health.status, 200);
    let reports = &health.json()["metrics"];
    assert_eq!(reports["database"], Value::Null);
    assert_eq!(reports["queue"]["health"]["status"], "healthy");
}

#[tokio::test]
async fn health_says_how_old_it_is_and_is_unknown_once_sampling_stands_still() {
    let served = Served::new(vec![Scripted::new(&QUEUE)]);
    let mut ticker = served.registry.ticker().expect("nobody ticks it");
    let seconds = |seconds| served.clock.advance(std::time::Duration::from_secs(seconds));
    seconds(1);
    ticker.tick();
    seconds(2);
    let health = served.get("/health/performance").await.json();
    assert_eq!((&health["status"], &health["age"]), (&json!("healthy"), &json!(2000)));
    seconds(2);
    for uri in ["/health/performance", "/health/performance?detailed=true&metrics=true"] {
        let answer = served.get(uri).await;
        assert_eq!(answer.status, 200, "it is not known to be unhealthy");
        let health = answer.json();
        assert_eq!((&health["status"], &health["age"]), (&json!("unknown"), &json!(4000)));
        assert_eq!(
            (&health["score"], &health["checks"]["queue"]["score"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(health["checks"]["queue"]["status"], "unknown");
    }
    let report = served.get("/metrics/queue").await.json();
    assert_eq!(report["health"]["status"], "unknown");
    let page = served.get("/metrics").await;
    for line in [
        "node0_sample_age_seconds 4",
        "node0_health_score NaN",
        "node0_component_health_score{component=\"queue\"} NaN",
    ] {
        assert!(page.text().lines().any(|has| has == line), "{line} in {}", page.text());
    }
    ticker.tick();
    let health = served.get("/health/performance").await.json();
    assert_eq!((&health["status"], &health["age"]), (&json!("healthy"), &json!(0)));
}
