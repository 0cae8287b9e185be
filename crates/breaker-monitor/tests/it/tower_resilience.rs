//! A real breaker of tower-resilience: its states are shown, and its calls are counted once.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use node0_breaker_monitor::State::{Closed, HalfOpen, Open};
use node0_breaker_monitor::tower_resilience::{BreakerLayer, watch};
use node0_breaker_monitor::{Circuit, Outcome, State};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::{
    CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitBreakerLayer, CircuitState,
    DefaultClassifier,
};

use crate::bench::{
    Bench, all_transitions, ms, number, one_hot, outcomes, sum_millis, transitions,
};

/// A response by its status.
type Reply = Result<u16, Fault>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Down,
    Refused,
    Elapsed,
    NotFound,
}

const FOREVER: Duration = Duration::from_secs(3600);

/// Opens after two failures in a row, and tries one call after `wait`.
fn breaker(wait: Duration) -> CircuitBreakerConfigBuilder<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .consecutive_failures(2)
        .permitted_calls_in_half_open(1)
        .wait_duration_in_open(wait)
}

/// A service behind a breaker that replies with what it is asked for.
fn echo(
    circuit: &Circuit,
    builder: CircuitBreakerConfigBuilder<DefaultClassifier>,
) -> BoxCloneService<Reply, u16, CircuitBreakerError<Fault>> {
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit))
        .layer(watch(builder, circuit).build().unwrap())
        .service(service_fn(|reply: Reply| ready(reply)));
    BoxCloneService::new(service)
}

#[tokio::test]
async fn each_transition_is_counted_once_and_shown_right_after() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let mut service = echo(&circuit, breaker(Duration::ZERO));
    let check = |state: State, counts: [u64; 4]| {
        let sample = bench.registry.read();
        assert_eq!(one_hot(&sample, "payments"), state);
        let ways = [(Closed, Open), (Open, HalfOpen), (HalfOpen, Closed), (HalfOpen, Open)];
        let found = ways.map(|(from, to)| transitions(&sample, "payments", from, to));
        assert_eq!(found, counts);
        assert_eq!(all_transitions(&sample, "payments"), counts.iter().sum::<u64>());
    };
    let mut call = async |reply| service.ready().await.unwrap().call(reply).await.is_ok();
    check(Closed, [0, 0, 0, 0]);
    assert!(call(Ok(200)).await);
    assert!(!call(Err(Fault::Down)).await);
    check(Closed, [0, 0, 0, 0]);
    assert!(!call(Err(Fault::Down)).await);
    check(Open, [1, 0, 0, 0]);
    // The wait in open is over at once: this call is the trial, and it succeeds.
    assert!(call(Ok(200)).await);
    check(Closed, [1, 1, 1, 0]);
    assert!(!call(Err(Fault::Down)).await);
    assert!(!call(Err(Fault::Down)).await);
    check(Open, [2, 1, 1, 0]);
    // A trial that fails.
    assert!(!call(Err(Fault::Down)).await);
    check(Open, [2, 2, 1, 1]);
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [2, 5, 0, 0, 0]);
}

#[tokio::test]
async fn half_open_is_shown_while_the_trial_runs() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let (layer, handle) = watch(breaker(Duration::ZERO), &circuit).build_with_handle().unwrap();
    let mut service =
        BreakerLayer::new(&circuit).layer(layer.layer(service_fn(|()| pending::<Reply>())));
    handle.force_open().await;
    assert_eq!(one_hot(&bench.registry.read(), "payments"), Open);
    let mut trial = Box::pin(service.ready().await.unwrap().call(()));
    assert!(trial.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(one_hot(&bench.registry.read(), "payments"), HalfOpen);
    assert_eq!(handle.state(), CircuitState::HalfOpen);
    handle.force_closed().await;
    assert_eq!(one_hot(&bench.registry.read(), "payments"), Closed);
}

// Read through `Registry::read`, as a scrape does: an exporter is beside this crate, not below it.
#[tokio::test]
async fn ten_flaps_between_two_reads_raise_the_counters_by_ten() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let builder = watch(breaker(FOREVER), &circuit);
    let (_layer, handle) = builder.build_with_handle().unwrap();
    let before = bench.registry.read();
    for _ in 0..10 {
        handle.force_open().await;
        handle.force_closed().await;
    }
    let after = bench.registry.read();
    for (from, to) in [(Closed, Open), (Open, Closed)] {
        let count = |sample| transitions(sample, "payments", from, to);
        assert_eq!(count(&after) - count(&before), 10);
    }
    assert_eq!(one_hot(&after, "payments"), Closed);
}

#[tokio::test]
async fn rejected_calls_are_counted_apart_and_not_timed() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let mut service = echo(&circuit, breaker(FOREVER));
    for _ in 0..2 {
        let _ = service.ready().await.unwrap().call(Err(Fault::Down)).await;
    }
    for _ in 0..5 {
        let result = service.ready().await.unwrap().call(Ok(200)).await;
        assert!(matches!(result, Err(CircuitBreakerError::OpenCircuit)));
    }
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [0, 2, 0, 5, 0]);
    assert_eq!(bench.metrics("payments").samples, 2);
}

#[tokio::test]
async fn cancelled_call_is_counted_with_the_time_it_took() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let layer = watch(breaker(FOREVER), &circuit).build().unwrap();
    let hangs = service_fn(|()| pending::<Reply>());
    let mut service = BreakerLayer::new(&circuit).layer(layer.layer(hangs));
    let mut call = Box::pin(service.ready().await.unwrap().call(()));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    bench.pass(ms(70));
    drop(call);
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [0, 0, 0, 0, 1]);
    assert_eq!(sum_millis(&sample, "payments").round(), 70.0);
}

#[tokio::test]
async fn rejected_call_that_a_fallback_answers_is_rejected() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let (layer, handle) = watch(breaker(FOREVER), &circuit).build_with_handle().unwrap();
    let falls_back = layer.layer_fn(service_fn(|reply: Reply| ready(reply))).with_fallback(|_| {
        Box::pin(async {
            // Long after the rejection.
            tokio::task::yield_now().await;
            Ok(203)
        })
    });
    let mut service = BreakerLayer::new(&circuit).layer(falls_back);
    assert_eq!(service.ready().await.unwrap().call(Ok(200)).await.unwrap(), 200);
    handle.force_open().await;
    assert_eq!(service.ready().await.unwrap().call(Ok(200)).await.unwrap(), 203);
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [1, 0, 0, 1, 0]);
}

#[tokio::test]
async fn rejected_call_stays_rejected_when_its_fallback_asks_another_breaker() {
    let bench = Bench::new();
    let (circuit, other) = (bench.circuit("payments"), bench.circuit("other"));
    let (layer, handle) = watch(breaker(FOREVER), &circuit).build_with_handle().unwrap();
    // With listeners and without a layer of its own, so its verdict finds the outer call.
    let bare = watch(breaker(FOREVER), &other).build().unwrap();
    let bare = bare.layer(service_fn(|reply: Reply| ready(reply)));
    let asks = layer.layer_fn(service_fn(|reply: Reply| ready(reply)));
    let asks = asks.with_fallback(move |_| {
        let bare = bare.clone();
        Box::pin(async move { Ok(bare.oneshot(Ok(203)).await.unwrap()) })
    });
    let mut service = BreakerLayer::new(&circuit).layer(asks);
    handle.force_open().await;
    assert_eq!(service.ready().await.unwrap().call(Ok(200)).await.unwrap(), 203);
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [0, 0, 0, 1, 0]);
}

#[tokio::test]
async fn breaker_says_what_a_failure_is_and_the_classifier_of_which_kind() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let builder = CircuitBreakerLayer::builder().failure_classifier(|result: &Reply| {
        matches!(result, Ok(500..) | Err(Fault::Refused | Fault::Elapsed))
    });
    let layer = watch(builder, &circuit).build().unwrap();
    let kinds = |result: Result<&u16, &Fault>| match result {
        Ok(_) => Outcome::Success,
        Err(Fault::Elapsed) => Outcome::Timeout,
        Err(_) => Outcome::Failure("connect"),
    };
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(&circuit).classify(kinds))
        .layer(layer)
        .service(service_fn(|reply: Reply| ready(reply)));
    for reply in [Ok(200), Ok(503), Err(Fault::Refused), Err(Fault::Elapsed), Err(Fault::NotFound)]
    {
        let _ = service.ready().await.unwrap().call(reply).await;
    }
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [2, 2, 1, 0, 0]);
    for (kind, count) in [("response", 1.0), ("connect", 1.0), ("_other", 0.0)] {
        let labels = [("circuit", "payments"), ("kind", kind)];
        assert_eq!(number(&sample, "circuit_breaker_failures_total", &labels), count);
    }
}

#[tokio::test]
async fn breaker_inside_of_another_keeps_its_calls_to_itself() {
    let bench = Bench::new();
    let (outer, inner) = (bench.circuit("outer"), bench.circuit("inner"));
    // Fails each time; once wrapped by a layer of its own and once with listeners only.
    let failing = echo(&inner, breaker(FOREVER));
    let bare = watch(breaker(FOREVER), &inner).build().unwrap();
    let bare = bare.layer(service_fn(|reply: Reply| ready(reply)));
    let recovers = service_fn(move |()| {
        let (failing, bare) = (failing.clone(), bare.clone());
        async move {
            assert!(failing.oneshot(Err(Fault::Down)).await.is_err());
            assert!(bare.oneshot(Err(Fault::Down)).await.is_err());
            Ok::<u16, Fault>(200)
        }
    });
    let layer = watch(breaker(FOREVER), &outer).build().unwrap();
    let service = BreakerLayer::new(&outer).layer(layer.layer(recovers));
    assert_eq!(service.oneshot(()).await.unwrap(), 200);
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "outer"), [1, 0, 0, 0, 0]);
    assert_eq!(outcomes(&sample, "inner"), [0, 1, 0, 0, 0]);
}

#[tokio::test]
async fn breaker_without_our_layer_tells_states_and_counts_no_calls() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let layer = watch(breaker(FOREVER), &circuit).build().unwrap();
    let mut service = layer.layer(service_fn(|reply: Reply| ready(reply)));
    for _ in 0..2 {
        let _ = service.ready().await.unwrap().call(Err(Fault::Down)).await;
    }
    let sample = bench.registry.read();
    assert_eq!(one_hot(&sample, "payments"), Open);
    assert_eq!(outcomes(&sample, "payments"), [0; 5]);
}

#[tokio::test]
async fn layer_around_a_breaker_without_our_listeners_goes_by_results() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let layer = breaker(FOREVER).build().unwrap();
    let mut service = BreakerLayer::new(&circuit).layer(layer.layer(service_fn(ready::<Reply>)));
    for reply in [Ok(200), Err(Fault::Down), Err(Fault::Down), Ok(200)] {
        let _ = service.ready().await.unwrap().call(reply).await;
    }
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [1, 2, 0, 1, 0]);
}

#[tokio::test]
async fn listeners_of_the_host_stay() {
    let bench = Bench::new();
    let heard = Arc::new(AtomicU16::new(0));
    let listener = heard.clone();
    let own = breaker(FOREVER).on_state_transition(move |_, _| {
        listener.fetch_add(1, Ordering::Relaxed);
    });
    let mut service = echo(&bench.circuit("payments"), own);
    for _ in 0..2 {
        let _ = service.ready().await.unwrap().call(Err(Fault::Down)).await;
    }
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    // The circuit lives as long as the breaker that tells it.
    assert_eq!(bench.monitor.circuits(), ["payments"]);
    drop(service);
    assert!(bench.monitor.circuits().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_of_eight_tasks_are_counted_once_each() {
    const TASKS: u64 = 8;
    const CALLS: u64 = 500;
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let builder = breaker(FOREVER).consecutive_failures(usize::MAX);
    let service = echo(&circuit, builder);
    let tasks = (0..TASKS).map(|task| {
        let mut service = service.clone();
        tokio::spawn(async move {
            for call in 0..CALLS {
                let reply = if (task + call) % 2 == 0 { Ok(200) } else { Err(Fault::Down) };
                let _ = service.ready().await.unwrap().call(reply).await;
                tokio::task::yield_now().await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let half = TASKS * CALLS / 2;
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [half, half, 0, 0, 0]);
}
