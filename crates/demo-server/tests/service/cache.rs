//! Orders from the cache, with its second tier in a file and in a real Redis.

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::http::Request;
use testbed::redis::RedisServer;
use testbed::tools;

use crate::demo::Demo;

fn tier(demo: &Demo, tier: &str) -> Value {
    demo.json(&format!("/metrics/cache?layer={tier}"))[tier]["metrics"].clone()
}

/// Returns a tier's hits and misses.
fn lookups(demo: &Demo, name: &str) -> (u64, u64) {
    let tier = tier(demo, name);
    let count = |key: &str| tier[key].as_u64().unwrap_or_else(|| panic!("no {key} in {tier}"));
    (count("hits"), count("misses"))
}

fn read(demo: &Demo, id: &str) -> u16 {
    demo.get(&format!("/orders/{id}")).status
}

#[test]
fn order_comes_from_the_second_tier_first_and_then_from_memory() {
    let demo = Demo::start(&[]);
    assert_eq!(demo.said("redis"), "embedded");
    let id = demo.order();
    assert_eq!(read(&demo, &id), 200);
    assert_eq!((lookups(&demo, "L1"), lookups(&demo, "L2")), ((0, 1), (1, 0)));
    assert_eq!(read(&demo, &id), 200);
    assert_eq!((lookups(&demo, "L1"), lookups(&demo, "L2")), ((1, 1), (1, 0)));
    assert_eq!(tier(&demo, "L1")["promotions"], 1);
}

#[test]
fn cold_cache_finds_nothing() {
    let demo = Demo::start(&[]);
    let id = demo.order();
    assert_eq!(demo.send(&Request::new("POST", "/chaos/cold-cache")).status, 200);
    for _ in 0..3 {
        assert_eq!(read(&demo, &id), 200);
    }
    assert_eq!((lookups(&demo, "L1"), lookups(&demo, "L2")), ((0, 3), (0, 3)));
}

#[test]
fn unknown_layer_is_told_the_known_ones() {
    let demo = Demo::start(&[]);
    let unknown = demo.get("/metrics/cache?layer=L9");
    assert_eq!(unknown.status, 404);
    let error = unknown.json().expect("JSON")["error"].clone();
    assert_eq!(error["code"], "unknown_layer");
    assert!(error["known"].as_array().is_some_and(|known| known.contains(&json!("L1"))), "{error}");
}

#[test]
fn killed_redis_costs_no_customer_an_answer() {
    let tool = testbed::require!(tools::redis());
    let mut redis = RedisServer::start(&tool).expect("redis starts");
    let demo = Demo::start(&["--redis", &redis.url()]);
    assert_eq!(demo.said("redis"), "redis");
    let id = demo.order();
    assert_eq!(read(&demo, &id), 200);
    assert_eq!(lookups(&demo, "L2"), (1, 0));
    redis.kill().expect("it was running");
    let ids: Vec<String> = (0..5).map(|_| demo.order()).collect();
    for id in &ids {
        assert_eq!(read(&demo, id), 200, "the database has it");
    }
    assert_eq!(lookups(&demo, "L2"), (1, 0), "a failure is no miss");
    assert_eq!(demo.get("/health/performance").status, 200, "the service does without");
    let failed = || tier(&demo, "L2")["errors"].clone();
    assert!(!failed().is_null(), "{}", tier(&demo, "L2"));
    redis.restart().expect("it starts again");
    let recovered = Deadline::seconds(10).until(|| {
        let id = demo.order();
        read(&demo, &id) == 200 && lookups(&demo, "L2").0 > 1
    });
    assert!(recovered, "{}", tier(&demo, "L2"));
}

#[test]
fn redis_that_is_not_there_is_a_clear_error() {
    let output =
        crate::demo::command(&["--database", "embedded", "--redis", "redis://127.0.0.1:9"])
            .output()
            .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: --redis: no Redis answers there"), "{said}");
}
