//! Reports, pages and judgements that hang must not block any other endpoint.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use node0_http_glue::PROBE_PATHS;
use node0_metrics_core::{
    Judgement, ManualClock, Monitor, Registry, Report, Topic, UnknownTarget, View,
};
use serde::{Serialize, Serializer};

use crate::support::{QUEUE, Scripted, Served};

static STUCK: Topic = Topic::new("stuck", "stuck");

/// Blocks all threads that wait at it until it is opened.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    is_open: bool,
}

impl Gate {
    fn wait(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        state.waiting += 1;
        self.changed.notify_all();
        while !state.is_open {
            state = self.changed.wait(state).expect("not poisoned");
        }
    }

    fn until_waiting(&self, number: usize) {
        let mut state = self.state.lock().expect("not poisoned");
        while state.waiting < number {
            state = self.changed.wait(state).expect("not poisoned");
        }
    }

    fn open(&self) {
        self.state.lock().expect("not poisoned").is_open = true;
        self.changed.notify_all();
    }
}

fn stuck(gate: &Arc<Gate>) -> Scripted {
    let gate = gate.clone();
    let mut stuck = Scripted::new(&STUCK);
    stuck.report = Box::new(move |_| {
        gate.wait();
        Ok(serde_json::json!({}))
    });
    stuck
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_report_that_hangs_takes_out_its_own_topic_and_nothing_else() {
    let gate = Arc::new(Gate::default());
    let served = Arc::new(Served::with(vec![stuck(&gate), Scripted::new(&QUEUE)], |routes| {
        routes.render_timeout(Duration::from_secs(600))
    }));
    served.readiness.started();
    let hanging: Vec<_> = (0..4)
        .map(|_| {
            let served = served.clone();
            tokio::spawn(async move { served.get("/metrics/stuck").await })
        })
        .collect();
    let all_in = gate.clone();
    tokio::task::spawn_blocking(move || all_in.until_waiting(4)).await.expect("it returns");

    let answer = served.get("/metrics/stuck").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["error"]["code"], "overloaded");
    for endpoint in ["/health/live", "/livez", "/health/ready", "/metrics", "/metrics/queue"] {
        assert_eq!(served.get(endpoint).await.status, 200, "{endpoint}");
    }
    let sample = served.registry.read();
    let refused = sample.snapshot.value("node0_requests_refused_total", &[("reason", "renders")]);
    assert_eq!(refused.map(|value| value.as_f64()), Some(1.0));

    gate.open();
    for answer in hanging {
        assert_eq!(answer.await.expect("it returns").status, 200);
    }
    assert_eq!(served.get("/metrics/stuck").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn liveness_answers_while_every_place_for_a_scrape_hangs() {
    let gate = Arc::new(Gate::default());
    // The host's appendix hangs, in the only slot for pages.
    let appendix = gate.clone();
    let served = Arc::new(Served::with(vec![], |routes| {
        let routes = routes.max_renders(1).render_timeout(Duration::from_secs(600));
        routes.appendix(move |_| appendix.wait())
    }));
    served.readiness.started();
    let scraping = served.clone();
    let hanging = tokio::spawn(async move { scraping.get("/metrics").await });
    let in_it = gate.clone();
    tokio::task::spawn_blocking(move || in_it.until_waiting(1)).await.expect("it returns");

    let answer = served.get("/metrics").await;
    assert_eq!(answer.status, 503);
    for probe in ["/health/live", "/livez", "/health/ready", "/readyz"] {
        assert_eq!(served.get(probe).await.status, 200, "{probe}");
    }
    gate.open();
    assert_eq!(hanging.await.expect("it returns").status, 200);
}

/// A server answers these paths even if it holds its maximum of connections.
#[tokio::test]
async fn each_path_of_a_probe_is_answered() {
    let served = Served::new(vec![]);
    served.readiness.started();
    for path in PROBE_PATHS {
        assert_eq!(served.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_report_that_is_slow_does_not_hold_the_health_with_all_reports() {
    let gate = Arc::new(Gate::default());
    // Reports may take ten minutes here, and there is one slot for whoever asks for the health.
    let served = Served::with(vec![stuck(&gate), Scripted::new(&QUEUE)], |routes| {
        routes.max_renders(1).render_timeout(Duration::from_secs(600))
    });
    for _ in 0..3 {
        let answer = served.get("/health/performance?metrics=true");
        let answer = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("in time");
        assert_eq!(answer.status, 200);
        let metrics = &answer.json()["metrics"];
        assert!(metrics["stuck"].is_null() && metrics["queue"].is_object(), "{metrics}");
    }
    assert_eq!(served.get("/metrics/stuck").await.json()["error"]["code"], "overloaded");
    gate.open();
}

#[tokio::test]
async fn a_judgement_that_hangs_holds_no_scrape() {
    let gate = Arc::new(Gate::default());
    let in_judgement = gate.clone();
    let mut stuck = Scripted::new(&STUCK);
    stuck.judge = Box::new(move || {
        in_judgement.wait();
        Judgement::healthy("at last")
    });
    // Nothing ticks this registry, so the scrape ends the tick and makes the monitors judge.
    let served = Served::with(vec![stuck], |routes| routes.max_renders(1));
    for _ in 0..2 {
        assert_eq!(served.get("/metrics").await.status, 200);
    }
    let health = served.get("/health/performance").await.json();
    assert_eq!(health["checks"]["stuck"]["status"], "unknown");
    gate.open();
}

#[tokio::test]
async fn work_that_takes_too_long_is_refused() {
    let gate = Arc::new(Gate::default());
    let served =
        Served::with(vec![stuck(&gate)], |routes| routes.render_timeout(Duration::from_millis(20)));
    let answer = served.get("/metrics/stuck").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    gate.open();
}

/// A monitor whose report hangs while it is serialized.
struct Unwritable(Arc<Gate>);

impl Monitor for Unwritable {
    fn topic(&self) -> &'static Topic {
        &STUCK
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        struct Body(Arc<Gate>);
        impl Serialize for Body {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.wait();
                serializer.serialize_unit()
            }
        }
        Ok(Report::new(Body(self.0.clone())))
    }
}

#[tokio::test]
async fn a_body_that_hangs_while_it_is_written_keeps_no_place_and_one_thread() {
    let (gate, clock) = (Arc::new(Gate::default()), ManualClock::new());
    let patience = Duration::from_millis(20);
    let registry = Registry::builder().clock(clock.clock()).report_timeout(patience).build();
    registry.monitor(Arc::new(Unwritable(gate.clone()))).expect("a new topic");
    registry.monitor(Arc::new(Scripted::new(&QUEUE))).expect("a new topic");
    let served = Served::over(clock, registry, |routes| routes.max_renders(1));
    for _ in 0..3 {
        assert_eq!(served.get("/metrics/stuck").await.status, 503);
        let answer = served.get("/health/performance?metrics=true").await;
        assert_eq!(answer.status, 200);
        assert!(answer.json()["metrics"]["stuck"].is_null());
    }
    assert_eq!(gate.state.lock().expect("not poisoned").waiting, 1);
    gate.open();
}
