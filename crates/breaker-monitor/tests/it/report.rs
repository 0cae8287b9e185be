//! The report's JSON has the shape of the example that clients rely on.

use std::sync::Arc;
use std::time::Duration;

use node0_breaker_monitor::{Circuit, State, Thresholds};
use node0_metrics_core::{ReportError, Sample};
use serde_json::{Value, json};

use crate::bench::{Bench, ms};

const EXAMPLE: &str = include_str!("fixtures/circuit-breaker.json");

fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

fn body(sample: &Arc<Sample>, service: Option<&str>) -> Value {
    serde_json::to_value(sample.report("circuit-breaker", service).unwrap()).unwrap()
}

/// Drives a circuit to the example's numbers: 452 calls in ten seconds.
fn example_circuit(bench: &mut Bench) -> Circuit {
    let circuit = bench.circuit("payment-service");
    (0..9).for_each(|_| circuit.failure(ms(145), "connect"));
    (0..440).for_each(|_| circuit.success(ms(145)));
    (0..2).for_each(|_| circuit.cancelled(ms(145)));
    circuit.success(Duration::from_micros(280_600));
    for _ in 0..10 {
        bench.tick();
    }
    circuit
}

/// Every field of the example stands in the body: same nesting, type and order; more may follow.
#[track_caller]
fn check_shape(path: &str, example: &Value, body: &Value) {
    match (example, body) {
        (Value::Object(example), Value::Object(body)) => {
            let found: Vec<_> = body.keys().filter(|key| example.contains_key(*key)).collect();
            assert_eq!(found, example.keys().collect::<Vec<_>>(), "at {path}");
            for (key, example) in example {
                check_shape(&format!("{path}.{key}"), example, &body[key]);
            }
        }
        (Value::Array(example), Value::Array(body)) => {
            for (at, (example, body)) in example.iter().zip(body).enumerate() {
                check_shape(&format!("{path}[{at}]"), example, body);
            }
        }
        (Value::Number(_), Value::Number(_)) | (Value::String(_), Value::String(_)) => {}
        (example, body) => panic!("{path} is {body}, not like {example}"),
    }
}

/// No number of a body is one that JSON lacks, which serde would write as null.
#[track_caller]
fn check_numbers(body: &Value, may_be_null: &[&str]) {
    match body {
        Value::Object(fields) => {
            for (key, value) in fields {
                assert!(!value.is_null() || may_be_null.contains(&&**key), "{key} in {body}");
                check_numbers(value, may_be_null);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_numbers(item, may_be_null)),
        _ => {}
    }
}

#[test]
fn body_has_the_examples_fields_in_nesting_type_and_order() {
    let mut bench = Bench::new();
    let _circuit = example_circuit(&mut bench);
    let sample = bench.registry.read();
    check_shape("$", &example(), &body(&sample, None));
    check_shape("$", &example(), &body(&sample, Some("payment-service")));
    check_numbers(&body(&sample, None), &["lastTransition"]);
}

#[test]
fn body_has_the_examples_values_when_the_circuit_is_driven_to_them() {
    let mut bench = Bench::new();
    let _circuit = example_circuit(&mut bench);
    let sample = bench.registry.read();
    let body = body(&sample, None);
    let (found, wanted) = (&body["circuits"][0], &example()["circuits"][0]);
    for (key, value) in wanted.as_object().unwrap() {
        match value {
            Value::Object(metrics) => {
                for (key, value) in metrics {
                    let found = &found["metrics"][key];
                    assert_eq!((key, found.as_f64()), (key, value.as_f64()));
                    assert!(value.is_number() || found == value, "{key}: {found}");
                }
            }
            value => assert!(found[key] == *value, "{key}: {}", found[key]),
        }
    }
    assert_eq!(body["health"]["status"], "healthy");
    assert_eq!(body["timestamp"], sample.at.as_millis());
}

#[test]
fn circuits_are_sorted_by_service() {
    let bench = Bench::new();
    let _circuits = ["zebra", "apple", "mango"].map(|name| bench.circuit(name));
    let body = body(&bench.registry.read(), None);
    let services = body["circuits"].as_array().unwrap().iter().map(|circuit| &circuit["service"]);
    assert_eq!(services.collect::<Vec<_>>(), ["apple", "mango", "zebra"]);
}

#[test]
fn named_service_is_a_list_of_one_with_its_own_health() {
    let mut bench = Bench::new();
    let _healthy = example_circuit(&mut bench);
    let open = bench.circuit("open");
    open.set_state(State::Open, "tripped");
    bench.tick();
    let sample = bench.tick();
    let one = body(&sample, Some("payment-service"));
    assert_eq!(one["circuits"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["health"]["status"], &one["health"]["score"]),
        (&json!("healthy"), &json!(100))
    );
    let other = body(&sample, Some("open"));
    assert_eq!(other["circuits"][0]["service"], "open");
    assert_eq!(other["health"]["issueDetails"][0]["code"], "circuit_open");
}

#[test]
fn unknown_service_is_refused_with_the_known_ones() {
    let bench = Bench::new();
    let _circuits = ["payments", "mail"].map(|name| bench.circuit(name));
    let error = bench.registry.read().report("circuit-breaker", Some("else")).unwrap_err();
    let ReportError::UnknownTarget { topic, source } = error else { panic!("{error:?}") };
    assert_eq!((topic.target_param, topic.check_key), (Some("service"), "circuitBreaker"));
    assert_eq!(source.target, "else");
    assert_eq!(source.known, ["mail", "payments"]);
}

#[test]
fn circuit_without_data_has_nulls_and_no_numbers_that_mean_nothing() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let before = |sample: &Arc<Sample>| body(sample, None)["circuits"][0].clone();
    let shown = before(&bench.registry.read());
    for key in ["failureRate", "avgLatency", "p95Latency"] {
        assert_eq!(shown["metrics"][key], Value::Null, "{key}");
    }
    assert_eq!((&shown["failureRate"], &shown["throughput"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["health"]["status"], "unknown");
    assert_eq!(shown["health"]["score"], Value::Null);
    assert_eq!(shown["lastTransition"], Value::Null);
    assert_eq!(shown["metrics"]["consecutiveFailures"], 0);
    drop(circuit);
    assert_eq!(body(&bench.registry.read(), None)["circuits"], json!([]));
}

#[test]
fn states_transitions_kinds_and_thresholds_are_shown() {
    let mut bench = Bench::new();
    let thresholds = Thresholds { average_latency: ms(250), min_calls: 3, ..Thresholds::default() };
    let kinds = ["refused"];
    let circuit = bench.monitor.circuit_with_kinds("payments", thresholds, kinds).unwrap();
    circuit.failure(ms(1), "refused");
    circuit.failure(ms(1), "novel");
    bench.pass(ms(2500));
    circuit.state_changed(State::Closed, State::Open, "failure threshold exceeded");
    let at = bench.registry.clock().wall();
    bench.tick();
    circuit.set_state(State::HalfOpen, "trial");
    let shown = body(&bench.registry.read(), Some("payments"))["circuits"][0].clone();
    assert_eq!(shown["metrics"]["state"], "HALF_OPEN");
    assert_eq!(shown["timeInState"], json!({"closed": 2500.0, "open": 1000.0, "halfOpen": 0.0}));
    let transitions = json!([
        {"from": "CLOSED", "to": "OPEN", "count": 1},
        {"from": "OPEN", "to": "HALF_OPEN", "count": 1},
    ]);
    assert_eq!(shown["transitions"], transitions);
    let last = json!({
        "from": "OPEN", "to": "HALF_OPEN", "reason": "trial", "at": at.as_millis() + 1000,
    });
    assert_eq!(shown["lastTransition"], last);
    assert_eq!(shown["failureKinds"], json!({"_other": 1, "refused": 1}));
    let thresholds = json!({
        "failureRate": 0.5, "consecutiveFailures": 5, "averageLatency": 250.0, "minCalls": 3,
    });
    assert_eq!(shown["thresholds"], thresholds);
    circuit.set_thresholds(Thresholds::default());
    let shown = body(&bench.registry.read(), None);
    assert_eq!(shown["circuits"][0]["thresholds"]["averageLatency"], 5000.0);
}

#[test]
fn topic_and_circuits_show_the_published_health() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.success(ms(1));
    bench.tick();
    circuit.set_state(State::Open, "tripped");
    let scores = |sample: &Arc<Sample>| {
        let (all, one) = (body(sample, None), body(sample, Some("payments")));
        [
            &all["health"],
            &all["circuits"][0]["health"],
            &one["health"],
            &one["circuits"][0]["health"],
        ]
        .map(|health| health["score"].as_u64())
    };
    assert_eq!(scores(&bench.tick()), [Some(100); 4], "one bad tick is not believed yet");
    assert_eq!(scores(&bench.tick()), [Some(50); 4]);
}
