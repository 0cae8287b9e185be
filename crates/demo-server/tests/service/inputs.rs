//! Malformed and hostile input.

use serde_json::{Value, json};
use testbed::http::{Request, encode_query, send_raw};

use crate::demo::Demo;

/// The endpoints with query keys, each with its keys.
const KEYS: [(&str, &[&str]); 4] = [
    ("/metrics", &["naming"]),
    ("/metrics/database", &["pool"]),
    ("/metrics/performance", &["operation"]),
    ("/health/performance", &["detailed", "metrics"]),
];

/// The endpoints without a query key.
const KEYLESS: [&str; 7] = [
    "/",
    "/metrics/openapi.json",
    "/metrics/export.json",
    "/health/live",
    "/health/ready",
    "/livez",
    "/readyz",
];

fn error(demo: &Demo, target: &str) -> (u16, Value) {
    let response = demo.get(target);
    assert_eq!(response.header("cache-control"), Some("no-store"), "{target}");
    let body = response.json().unwrap_or_else(|error| panic!("{target}: {error}"));
    (response.status, body["error"].clone())
}

#[test]
fn each_bad_value_is_refused_by_the_name_of_its_parameter() {
    let demo = Demo::start(&[]);
    let long = "x".repeat(10 << 10);
    for (path, keys) in KEYS {
        for key in keys {
            for value in ["", "wrong", "-1", "1e999", "NaN", &long] {
                let (status, error) =
                    error(&demo, &format!("{path}?{key}={}", encode_query(value)));
                let names_a_thing = matches!(*key, "pool" | "operation") && !value.is_empty();
                let expected = if names_a_thing { 404 } else { 400 };
                // A name that is too long may be refused with 400 as an invalid value.
                let shown = &value[..value.len().min(20)];
                assert!(
                    status == expected || (value == long && status == 400),
                    "{path}?{key}={shown}: {status} {error}"
                );
                if status == 404 {
                    assert_eq!(error["code"], format!("unknown_{key}"));
                    assert!(error["known"].is_array(), "{error}");
                } else {
                    assert_eq!(
                        (&error["code"], &error["parameter"]),
                        (&json!("invalid_parameter"), &json!(key))
                    );
                }
                assert!(
                    error["message"].as_str().is_some_and(|message| message.len() < 400),
                    "{error}"
                );
            }
            for bad in [format!("{path}?{key}=%ff"), format!("{path}?{key}=a&{key}=a")] {
                let (status, error) = error(&demo, &bad);
                assert_eq!((status, &error["parameter"]), (400, &json!(key)), "{bad}: {error}");
            }
        }
        assert_eq!(
            demo.get(&format!("{path}?unheard=of&%ff=%ff")).status,
            200,
            "unknown keys are ignored"
        );
    }
}

#[test]
fn what_is_allowed_is_listed() {
    let demo = Demo::start(&[]);
    let (_, naming) = error(&demo, "/metrics?naming=pretty");
    assert_eq!(naming["allowed"], json!(["standard", "classic", "both"]));
    let (_, detailed) = error(&demo, "/health/performance?detailed=yes");
    assert_eq!(detailed["allowed"], json!(["true", "false"]));
    let (status, topic) = error(&demo, "/metrics/nothing");
    assert_eq!((status, &topic["code"]), (404, &json!("unknown_topic")));
    assert!(topic["known"].as_array().is_some_and(|known| known.contains(&json!("database"))));
    let (_, pool) = error(&demo, "/metrics/database?pool=none");
    assert_eq!(pool["known"], json!(["main"]));
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let demo = Demo::start(&[]);
    let known = KEYS.iter().map(|(path, _)| *path).chain(KEYLESS);
    for path in known.chain(["/metrics/database", "/orders/x"]) {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let response = demo.send(&Request::new(method, path));
            assert_eq!(response.status, 405, "{method} {path}: {}", response.text());
            let allowed = response.header("allow").unwrap_or_else(|| panic!("{method} {path}"));
            assert!(
                allowed.contains("GET") && allowed.contains("HEAD"),
                "{method} {path}: {allowed}"
            );
            assert_eq!(response.json().expect("JSON")["error"]["code"], "method_not_allowed");
        }
        if path != "/orders/x" {
            let head = demo.send(&Request::new("HEAD", path));
            assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
        }
    }
    let wrong = demo.send(&Request::get("/orders"));
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
}

#[test]
fn garbage_on_the_socket_leaves_the_demo_well() {
    let demo = Demo::start(&[]);
    let mut noise = Vec::new();
    for number in 0..200_u64 {
        noise.clear();
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..500 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise.push(state as u8);
        }
        // The server may close the connection in the middle of the noise, which is fine.
        let _ = send_raw(demo.address, &noise);
    }
    for wrong in [
        &b"GET /metrics HTTP/9.9\r\n\r\n"[..],
        b"GET /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let _ = send_raw(demo.address, wrong);
    }
    assert_eq!(demo.get("/health/live").status, 200);
    assert_eq!(demo.get("/metrics").status, 200);
}

#[test]
fn orders_that_make_no_sense_are_refused_in_words() {
    let demo = Demo::start(&[]);
    let post = |body: &Value| demo.send(&Request::new("POST", "/orders").json(body));
    for bad in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "customer": "a", "items": [] }),
        json!({ "customer": "", "items": [{ "sku": "s", "quantity": 1 }] }),
        json!({ "customer": "a", "items": [{ "sku": "s", "quantity": -1 }] }),
        json!({ "customer": "a", "items": [{ "sku": "s", "quantity": 1e300 }] }),
        json!({ "customer": "x".repeat(10 << 10), "items": [{ "sku": "s", "quantity": 1 }] }),
    ] {
        let response = post(&bad);
        assert_eq!(response.status, 400, "{bad}: {}", response.text());
        let error = &response.json().expect("JSON")["error"];
        assert_eq!(error["code"], "invalid_parameter", "{error}");
        assert!(error["parameter"].is_string() && error["message"].is_string(), "{error}");
    }
    let order = json!({ "customer": "a", "items": [{ "sku": "s", "quantity": 1 }] });
    assert_eq!(post(&order).status, 201);
    for id in ["nothing", "%ff", &"x".repeat(5000), "a%00b"] {
        let status = demo.get(&format!("/orders/{id}")).status;
        assert!(matches!(status, 400 | 404), "{id}: {status}");
    }
    let unrouted = demo.get("/no/such/page");
    assert_eq!(
        (unrouted.status, &unrouted.json().expect("JSON")["error"]["code"]),
        (404, &json!("not_found"))
    );
}
