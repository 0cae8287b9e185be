//! The layer for services without a breaker: each call counted once, cancelled ones too.

use std::future::{Ready, pending, ready};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use node0_breaker_monitor::{Circuit, Outcome, RecordLayer};
use node0_metrics_core::Measuring;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::bench::{Bench, ms, number, outcomes, sum_millis};

/// A response by its status.
type Reply = Result<u16, &'static str>;

fn echo(reply: Reply) -> Ready<Reply> {
    ready(reply)
}

fn judge(result: Result<&u16, &&'static str>) -> Outcome {
    match result {
        Ok(429) => Outcome::Rejected,
        Ok(500..) => Outcome::Failure("response"),
        Ok(_) => Outcome::Success,
        Err(&"elapsed") => Outcome::Timeout,
        Err(_) => Outcome::Failure("connect"),
    }
}

#[tokio::test]
async fn errors_are_failures_and_everything_else_is_a_success() {
    let bench = Bench::new();
    let service = RecordLayer::new(&bench.circuit("payments")).layer(service_fn(echo));
    for reply in [Ok(200), Ok(503), Err("refused")] {
        assert_eq!(service.clone().oneshot(reply).await, reply);
    }
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [2, 1, 0, 0, 0]);
}

#[tokio::test]
async fn classifier_decides_what_a_result_means() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let service = RecordLayer::new(&circuit).classify(judge).layer(service_fn(echo));
    for reply in [Ok(200), Ok(404), Ok(503), Ok(429), Err("refused"), Err("elapsed")] {
        assert_eq!(service.clone().oneshot(reply).await, reply);
    }
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [2, 2, 1, 1, 0]);
    for (kind, count) in [("response", 1.0), ("connect", 1.0), ("_other", 0.0)] {
        let labels = [("circuit", "payments"), ("kind", kind)];
        assert_eq!(number(&sample, "circuit_breaker_failures_total", &labels), count);
    }
}

#[tokio::test]
async fn call_is_timed_to_the_end_of_its_future() {
    let bench = Bench::new();
    let clock = bench.clock.clone();
    let slow = service_fn(move |took: Duration| {
        // What a service does before its future counts too.
        clock.advance(ms(5));
        let clock = clock.clone();
        async move {
            tokio::task::yield_now().await;
            clock.advance(took);
            Ok::<(), ()>(())
        }
    });
    let service = RecordLayer::new(&bench.circuit("payments")).layer(slow);
    service.oneshot(ms(40)).await.unwrap();
    assert_eq!(sum_millis(&bench.registry.read(), "payments").round(), 45.0);
}

#[tokio::test]
async fn dropped_call_is_cancelled_with_the_time_it_took() {
    let bench = Bench::new();
    let hangs = service_fn(|()| pending::<Result<(), ()>>());
    let mut service = RecordLayer::new(&bench.circuit("payments")).layer(hangs);
    let mut polled = Box::pin(service.call(()));
    assert!(polled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let never_polled = service.call(());
    bench.pass(ms(30));
    drop((polled, never_polled));
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [0, 0, 0, 0, 2]);
    assert_eq!(sum_millis(&sample, "payments").round(), 60.0);
}

#[tokio::test]
async fn call_that_panics_is_counted() {
    let bench = Bench::new();
    let panics = service_fn(|()| async { panic!("a service's own") });
    let service = RecordLayer::new(&bench.circuit("payments")).layer(panics);
    let task = tokio::spawn(async move {
        let _: Result<(), ()> = service.oneshot(()).await;
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn nothing_is_recorded_while_measuring_is_off() {
    let bench = Bench::new();
    let service = RecordLayer::new(&bench.circuit("payments")).layer(service_fn(echo));
    bench.registry.set_measuring(Measuring::Off);
    let _ = service.clone().oneshot(Err("refused")).await;
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [0; 5]);
    bench.registry.set_measuring(Measuring::On);
    let _ = service.oneshot(Err("refused")).await;
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [0, 1, 0, 0, 0]);
}

/// A service that is never ready to be called.
struct Unready;

impl Service<()> for Unready {
    type Response = ();
    type Error = &'static str;
    type Future = Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Err("not ready"))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[tokio::test]
async fn service_that_is_not_ready_was_not_called() {
    let bench = Bench::new();
    let service = RecordLayer::new(&bench.circuit("payments")).layer(Unready);
    assert_eq!(service.oneshot(()).await, Err("not ready"));
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [0; 5]);
}

#[tokio::test]
async fn verdict_of_a_breaker_decides_and_the_classifier_names_the_kind() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let breaker = service_fn(async |(hook, verdict, reply): (Circuit, Outcome, Reply)| {
        hook.leave_verdict(verdict);
        reply
    });
    let service = RecordLayer::new(&circuit).classify(judge).layer(breaker);
    let failure = Outcome::Failure("response");
    let cases = [
        (Outcome::Rejected, Ok(200), [0, 0, 0, 1, 0]),
        (Outcome::Rejected, Err("elapsed"), [0, 0, 0, 2, 0]),
        (Outcome::Success, Err("refused"), [1, 0, 0, 2, 0]),
        (Outcome::Success, Err("elapsed"), [1, 0, 1, 2, 0]),
        (failure, Ok(200), [1, 1, 1, 2, 0]),
        (failure, Err("refused"), [1, 2, 1, 2, 0]),
    ];
    for (verdict, reply, expected) in cases {
        let call = (circuit.clone(), verdict, reply);
        assert_eq!(service.clone().oneshot(call).await, reply);
        assert_eq!(outcomes(&bench.registry.read(), "payments"), expected, "{verdict:?} {reply:?}");
    }
    let sample = bench.registry.read();
    for kind in ["response", "connect"] {
        let labels = [("circuit", "payments"), ("kind", kind)];
        assert_eq!(number(&sample, "circuit_breaker_failures_total", &labels), 1.0, "{kind}");
    }
}

#[tokio::test]
async fn verdict_on_another_circuit_or_outside_of_a_call_goes_nowhere() {
    let bench = Bench::new();
    let (circuit, other) = (bench.circuit("payments"), bench.circuit("mail"));
    circuit.leave_verdict(Outcome::Rejected);
    let breaker = service_fn(async |hook: Circuit| {
        hook.leave_verdict(Outcome::Rejected);
        Reply::Ok(200)
    });
    let service = RecordLayer::new(&circuit).layer(breaker);
    assert_eq!(service.oneshot(other).await, Ok(200));
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [1, 0, 0, 0, 0]);
    assert_eq!(outcomes(&sample, "mail"), [0; 5]);
}
