//! Failing payments, and the circuit breaker that protects the demo from them.

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::http::Request;

use crate::demo::Demo;

/// Tries to place an order, and returns the status of the answer.
fn order(demo: &Demo) -> u16 {
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    demo.send(&Request::new("POST", "/orders").json(&order)).status
}

fn circuit(demo: &Demo) -> Value {
    demo.json("/metrics/circuit-breaker?service=payment-service")["circuits"][0].clone()
}

fn switch(demo: &Demo, method: &str, fault: &str) {
    let path = format!("/chaos/{fault}");
    assert_eq!(demo.send(&Request::new(method, &path)).status, 200);
}

#[test]
fn failing_payments_open_the_circuit_and_recovery_closes_it() {
    let demo = Demo::start(&[]);
    assert_eq!(order(&demo), 201);
    switch(&demo, "POST", "failing-payments");
    let opened = Deadline::seconds(10).until(|| {
        assert_eq!(order(&demo), 503, "nobody gets what was not paid for");
        circuit(&demo)["metrics"]["state"] == "OPEN"
    });
    let open = circuit(&demo);
    assert!(opened, "{open}");
    let failed = open["failureKinds"]["response"].as_u64();
    assert!(failed >= Some(1), "{open}");
    assert_eq!(order(&demo), 503);
    assert!(circuit(&demo)["metrics"]["rejected"].as_u64() >= Some(1));
    let seen = Deadline::seconds(10)
        .until(|| demo.json("/health/performance")["checks"]["circuitBreaker"]["status"] == "fail");
    assert!(seen, "{}", demo.json("/health/performance"));

    switch(&demo, "DELETE", "failing-payments");
    let closed = Deadline::seconds(15).until(|| {
        order(&demo);
        circuit(&demo)["metrics"]["state"] == "CLOSED"
    });
    assert!(closed, "{}", circuit(&demo));
    assert_eq!(order(&demo), 201);
}

#[test]
fn slow_payments_are_counted_as_timeouts() {
    let demo = Demo::start(&[]);
    switch(&demo, "POST", "slow-payments");
    assert_eq!(order(&demo), 503);
    let circuit = circuit(&demo);
    assert_eq!(
        (&circuit["metrics"]["timeouts"], &circuit["metrics"]["failures"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn unknown_service_is_told_the_known_ones() {
    let demo = Demo::start(&[]);
    let unknown = demo.get("/metrics/circuit-breaker?service=bank");
    assert_eq!(unknown.status, 404);
    let error = unknown.json().expect("JSON")["error"].clone();
    assert_eq!(
        (&error["code"], &error["known"]),
        (&json!("unknown_service"), &json!(["payment-service"]))
    );
}
