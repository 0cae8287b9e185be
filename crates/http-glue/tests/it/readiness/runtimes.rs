//! Readiness whose runtime is not driven any more, or has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use node0_http_glue::{Readiness, ReadinessBuilder, ReadinessStatus};
use node0_metrics_core::Registry;
use tokio::runtime::{Builder, Runtime};

use super::until;

fn passing(interval: Duration) -> (Arc<AtomicUsize>, ReadinessBuilder) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let readiness = Readiness::builder(&Registry::new()).check_fn("db", move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(()))
    });
    (asked, readiness.interval(interval).timeout(Duration::from_millis(50)))
}

#[test]
fn a_result_that_is_too_old_is_a_failure_that_says_so() {
    let runtime = current_thread();
    let (_, readiness) = passing(Duration::from_millis(10));
    let readiness = runtime.block_on(async {
        let readiness = readiness.start();
        until(&readiness, ReadinessStatus::Ready).await;
        readiness
    });
    // Nobody drives the runtime any more.
    while readiness.status() != ReadinessStatus::NotReady {
        std::thread::yield_now();
    }
    let message = readiness.report().checks["db"].message.clone().expect("it fails");
    assert!(message.contains("no result for more than 0.32 s"), "{message}");
}

#[test]
fn checks_go_on_where_the_status_is_asked_once_their_runtime_has_ended() {
    let (first, second) = (current_thread(), current_thread());
    let (asked, readiness) = passing(Duration::from_millis(10));
    let readiness = first.block_on(async { readiness.start() });
    drop(first);
    let before = asked.load(Ordering::Relaxed);
    second.block_on(until(&readiness, ReadinessStatus::Ready));
    assert!(asked.load(Ordering::Relaxed) > before);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}
