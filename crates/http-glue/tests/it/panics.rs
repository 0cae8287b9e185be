//! Monitors and checks that panic when the endpoints or the readiness runner call them.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use node0_http_glue::{CheckStatus, Readiness, ReadinessStatus};
use node0_metrics_core::{
    GUEST_FAILURES, Judgement, Monitor, NotReady, ReadinessCheck, Registry, Report, Topic,
    UnknownTarget, Value, View,
};
use serde::{Serialize, Serializer};
use tokio::time::sleep;

use crate::support::{QUEUE, Scripted, Served};

static BOMB: Topic = Topic::new("bomb", "bomb");

/// A monitor that panics when asked for its checks, and whose report serializes by this function.
struct Bomb(fn() -> Result<u8, &'static str>);

fn panics() -> Result<u8, &'static str> {
    panic!("on purpose")
}

impl Monitor for Bomb {
    fn topic(&self) -> &'static Topic {
        &BOMB
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        struct Body(fn() -> Result<u8, &'static str>);
        impl Serialize for Body {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8((self.0)().map_err(serde::ser::Error::custom)?)
            }
        }
        Ok(Report::new(Body(self.0)))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        panic!("on purpose");
    }
}

/// A check that fails, and whose `name` panics.
struct Nameless;

impl ReadinessCheck for Nameless {
    fn name(&self) -> &str {
        panic!("on purpose");
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin(ready(Err(NotReady::new("it is down"))))
    }
}

/// A check whose `check` panics before it returns a future.
struct Hasty;

impl ReadinessCheck for Hasty {
    fn name(&self) -> &str {
        "hasty"
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        panic!("on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_cannot_say_its_name_or_start_decides_all_the_same() {
    let fails = async |check: Arc<dyn ReadinessCheck>, name, message| {
        let registry = Registry::new();
        let readiness = Readiness::builder(&registry).check(check).start();
        readiness.started();
        sleep(Duration::from_secs(5)).await;
        assert_eq!(readiness.status(), ReadinessStatus::NotReady, "{name}");
        let report = readiness.report();
        assert_eq!(report.checks[name].status, CheckStatus::Fail);
        assert_eq!(report.checks[name].message.as_deref(), Some(message));
        let labels = [("guest", name), ("call", "check"), ("reason", "panic")];
        let panics =
            registry.read().snapshot.value(GUEST_FAILURES.name(), &labels).map(Value::as_f64);
        let panicked = message.ends_with("panicked");
        assert!(panics.is_some_and(|panics| (panics >= 5.0) == panicked), "{name}: {panics:?}");
    };
    fails(Arc::new(Nameless), "unnamed", "it is down").await;
    fails(Arc::new(Hasty), "hasty", "the check panicked").await;
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_cannot_list_its_checks_is_counted_and_not_ready() {
    let registry = Registry::new();
    registry.monitor(Arc::new(Bomb(panics))).expect("a new topic");
    registry.monitor(Arc::new(Scripted::new(&QUEUE))).expect("a new topic");
    let readiness = Readiness::builder(&registry).start();
    readiness.started();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(readiness.status(), ReadinessStatus::NotReady, "nobody knows what it needs");
    let checks = readiness.report().checks;
    let message = checks["bomb"].message.as_deref();
    assert_eq!(message, Some("its monitor, asked for its checks, panicked"));
    assert_eq!(checks.len(), 1, "the other monitor has none");
    let labels = [("guest", "bomb"), ("call", "readiness"), ("reason", "panic")];
    let panics = registry.read().snapshot.value(GUEST_FAILURES.name(), &labels).map(Value::as_f64);
    assert!(panics.is_some_and(|panics| panics >= 5.0), "{panics:?}");
}

#[tokio::test]
async fn a_body_that_panics_while_it_is_written_is_an_internal_error_of_its_topic() {
    let served = Served::new(vec![Scripted::new(&QUEUE)]);
    served.registry.monitor(Arc::new(Bomb(panics))).expect("a new topic");
    let answer = served.get("/metrics/bomb").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["error"]["code"], "internal");
    assert_eq!(served.get("/metrics/queue").await.status, 200);
    assert_eq!(served.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_written_is_null_in_the_health_beside_the_others() {
    // Serializing panics, fails, or gives a number instead of an object.
    for write in [panics, || Err("on purpose"), || Ok(7)] {
        let served = Served::new(vec![Scripted::new(&QUEUE)]);
        served.registry.monitor(Arc::new(Bomb(write))).expect("a new topic");
        let answer = served.get("/health/performance?metrics=true").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let metrics = &answer.json()["metrics"];
        assert!(metrics["bomb"].is_null() && metrics["queue"].is_object(), "{metrics}");
    }
}

#[tokio::test]
async fn an_appendix_that_fails_is_missing_from_the_page_and_counted() {
    let served = Served::with(vec![], |routes| {
        routes.appendix(|page| {
            page.clear();
            panic!("told to")
        })
    });
    let answer = served.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("node0_sampling_duration_seconds"), "all else is there");
    let labels = [("guest", "appendix"), ("call", "report"), ("reason", "panic")];
    let snapshot = &served.registry.read().snapshot;
    let panics = snapshot.value(GUEST_FAILURES.name(), &labels).map(Value::as_f64);
    assert_eq!(panics, Some(1.0));
}
