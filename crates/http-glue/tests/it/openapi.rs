//! The OpenAPI description: it is well-formed, and endpoints answer as it describes.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use node0_http_glue::Gate;
use serde_json::{Map, Value, json};

use crate::support::{Answer, DATABASE, QUEUE, Scripted, Served};

fn served() -> Served {
    let monitors = vec![Scripted::new(&DATABASE), Scripted::new(&QUEUE)];
    Served::with(monitors, |routes| routes.gate(&Gate::new().hosts(["shop.test"])))
}

async fn description(served: &Served) -> Value {
    let answer = served.get("/metrics/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.json()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Lists all operations with their paths.
fn operations(description: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object(&description["paths"]).iter().map(|(path, item)| {
        assert!(object(item).keys().eq(["get"]), "{path}");
        (path.as_str(), &item["get"])
    })
}

#[tokio::test]
async fn the_description_has_the_outline_of_openapi() {
    let description = description(&served()).await;
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["version"], "1.0.0");
    assert!(!text(&description["info"]["title"]).is_empty());
    let tags = description["tags"].as_array().expect("a list");
    let tags: BTreeSet<_> = tags.iter().map(|tag| text(&tag["name"])).collect();
    for (path, operation) in operations(&description) {
        assert!(path.starts_with('/'), "{path}");
        assert!(text(&operation["summary"]).ends_with('.'), "{path}");
        assert!(tags.contains(text(&operation["tags"][0])), "{path}");
        let mut in_path = BTreeSet::new();
        for parameter in operation["parameters"].as_array().expect("a list") {
            let name = text(&parameter["name"]);
            assert!(text(&parameter["description"]).ends_with('.'), "{path} {name}");
            assert_eq!(parameter["schema"]["type"], "string", "{path} {name}");
            if parameter["in"] == "path" {
                assert_eq!(parameter["required"], true, "{path} {name}");
                in_path.insert(format!("{{{name}}}"));
            } else {
                assert_eq!(parameter["in"], "query", "{path} {name}");
            }
        }
        let named: BTreeSet<_> =
            path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
        assert_eq!(in_path, named, "{path}");
        for (status, response) in object(&operation["responses"]) {
            assert!(status.parse().is_ok_and(|code: u16| (100..600).contains(&code)), "{path}");
            assert!(text(&response["description"]).ends_with('.'), "{path} {status}");
        }
    }
    let error = &description["components"]["schemas"]["Error"]["properties"]["error"];
    assert_eq!(error["required"], json!(["code", "message"]));
}

#[tokio::test]
async fn every_path_is_described_and_every_described_path_is_there() {
    let served = served();
    served.readiness.started();
    let description = description(&served).await;
    let described: BTreeSet<_> = operations(&description).map(|(path, _)| path).collect();
    let indexed = served.index.endpoints();
    let indexed: BTreeSet<_> = indexed.iter().map(|endpoint| endpoint.path()).collect();
    assert_eq!(described, indexed);
    let known = ["/metrics", "/metrics/export.json", "/metrics/openapi.json", "/metrics/database"];
    let health = ["/health/performance", "/health/live", "/livez", "/health/ready", "/readyz"];
    for path in known.iter().chain(&health) {
        assert!(described.contains(path), "{path}");
    }
    for path in described {
        let answer = served.get(&path.replace("{topic}", "queue")).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

/// Asserts that the description contains this answer of the operation.
fn assert_described(operation: &Value, case: &str, answer: &Answer) {
    let described = &operation["responses"][answer.status.as_str()];
    assert!(described.is_object(), "{case}: {} is not described", answer.status);
    let content_type = answer.header("content-type");
    let schema = &described["content"][content_type];
    assert!(schema.is_object(), "{case}: {content_type} is not described");
    let Some(codes) = schema["schema"]["allOf"][1].pointer("/properties/error/properties/code")
    else {
        return;
    };
    let code = &answer.json()["error"]["code"];
    let codes = codes["enum"].as_array().expect("a list");
    assert!(codes.contains(code), "{case}: {code} is not described");
    for header in described["headers"].as_object().into_iter().flat_map(Map::keys) {
        assert!(!answer.header(header).is_empty(), "{case}: {header} is missing");
    }
}

#[tokio::test]
async fn every_answer_is_one_that_is_described() {
    let served = served();
    let description = description(&served).await;
    let mut seen = BTreeSet::new();
    for (path, operation) in operations(&description) {
        let real = path.replace("{topic}", "queue");
        let mut check = async |method: Method, uri: String, wanted: &[u16]| {
            let foreign: &[_] = if wanted == [403] { &[("host", "rebound.example")] } else { &[] };
            let answer = served.send(method, &uri, foreign).await;
            assert!(wanted.contains(&answer.status.as_u16()), "{uri}: {}", answer.status);
            assert_described(operation, &uri, &answer);
            seen.insert((path.to_owned(), answer.status.as_u16()));
        };
        check(Method::GET, real.clone(), &[200, 503]).await;
        check(Method::POST, real.clone(), &[405]).await;
        check(Method::GET, real.clone(), &[403]).await;
        for parameter in operation["parameters"].as_array().expect("a list") {
            let name = text(&parameter["name"]);
            if parameter["in"] == "path" {
                check(Method::GET, path.replace(&format!("{{{name}}}"), "nothing"), &[404]).await;
                check(Method::GET, path.replace(&format!("{{{name}}}"), "%ff"), &[400]).await;
                continue;
            }
            check(Method::GET, format!("{real}?{name}="), &[400]).await;
            check(Method::GET, format!("{real}?{name}=a&{name}=a"), &[400]).await;
            let words = parameter["schema"]["enum"].as_array();
            let (value, wanted) = words.map_or(("nothing", 404), |words| (text(&words[0]), 200));
            check(Method::GET, format!("{real}?{name}={value}"), &[wanted]).await;
            if words.is_some() {
                check(Method::GET, format!("{real}?{name}=nothing"), &[400]).await;
            }
        }
    }
    served.readiness.started();
    for (path, operation) in operations(&description).filter(|(path, _)| path.contains("ready")) {
        let answer = served.get(path).await;
        assert_described(operation, path, &answer);
        seen.insert((path.to_owned(), answer.status.as_u16()));
    }
    // Answers from 500 on need a service with a fault; the next test covers them.
    for (path, operation) in operations(&description) {
        for status in
            object(&operation["responses"]).keys().filter(|status| status.as_str() < "500")
        {
            let status = status.parse().expect("a number");
            assert!(seen.contains(&(path.to_owned(), status)), "{path} never answered {status}");
        }
    }
}

#[tokio::test]
async fn the_answers_of_a_service_in_trouble_are_described() {
    let description = description(&served()).await;
    let operation = |path: &str| description["paths"][path]["get"].clone();
    let check = |path: &str, answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{path}");
        assert_described(&operation(path), path, answer);
    };
    let mut bad = Scripted::new(&DATABASE);
    bad.report = Box::new(|_| panic!("on purpose"));
    check("/metrics/database", &Served::new(vec![bad]).get("/metrics/database").await, 500);

    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let mut slow = Scripted::new(&DATABASE);
    slow.report = Box::new(move |_| {
        // Hangs until the sender is dropped below.
        let _ = gate.lock().expect("not poisoned").recv();
        Ok(json!({}))
    });
    let served = Served::with(vec![slow], |routes| routes.render_timeout(Duration::ZERO));
    check("/metrics/database", &served.get("/metrics/database").await, 503);
    drop(open);

    let mut down = Scripted::new(&DATABASE);
    down.judge = Box::new(|| {
        node0_metrics_core::Judgement::healthy("fine").with(crate::shapes::finding().penalty(60))
    });
    check("/health/performance", &Served::new(vec![down]).get("/health/performance").await, 503);
}
