//! One pass serves all: scrapes, probes and streams share the monitors' work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use axum::Router;
use node0::{Judgement, Monitor, Monitoring, Report, Topic, UnknownTarget, View};
use serde_json::json;
use stream_load::{Elsewhere, Plan, raise_descriptor_limit};
use testbed::deadline::pause;
use testbed::http;
use testbed::prove::{self, Length};

static TOPIC: Topic = Topic::new("counted", "counted");

/// A monitor that counts the calls of itself.
#[derive(Default)]
struct Counted {
    judged: AtomicUsize,
    reported: AtomicUsize,
}

impl Monitor for Counted {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.judged.fetch_add(1, Ordering::Relaxed);
        Judgement::healthy("it is counted")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        let reported = self.reported.fetch_add(1, Ordering::Relaxed);
        Ok(Report::new(json!({ "reported": reported })))
    }
}

#[test]
fn plays_the_clients() {
    stream_load::play().unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_are_asked_once_for_all_readers() {
    let (streams, millis) = Length::of_this_run().pick((100, 3_000), (1000, 20_000));
    raise_descriptor_limit(streams as u64 + 500).expect("enough descriptors");
    let counted = Arc::new(Counted::default());
    let monitoring = Monitoring::builder().enable_streaming().build().expect("a monitoring");
    monitoring.registry().monitor(counted.clone()).expect("a free topic");
    let listener = node0::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let routes: Router = monitoring.routes().expect("the registry has room");
    let serving = monitoring.clone();
    tokio::spawn(async move { serving.serve(listener, routes).await });

    let is_over = Arc::new(AtomicBool::new(false));
    let repeat = |path: &'static str, rest: Duration| {
        let is_over = is_over.clone();
        thread::spawn(move || {
            let mut answers = 0;
            while !is_over.load(Ordering::Relaxed) {
                answers += usize::from(http::get(address, path).is_ok_and(|it| it.status == 200));
                pause(rest);
            }
            answers
        })
    };
    let scrapers: Vec<_> =
        (0..50).map(|_| repeat("/metrics", Duration::from_millis(100))).collect();
    let probes: Vec<_> =
        (0..2).map(|_| repeat("/health/performance", Duration::from_millis(20))).collect();
    let plan = Plan::new(address, "/metrics/stream?metrics=counted", streams, millis);
    let play = move || Elsewhere::start(&plan, "streams::plays_the_clients")?.report();
    let judged_before = counted.judged.load(Ordering::Relaxed);
    let report = tokio::task::spawn_blocking(play).await.expect("no panic");
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let judged = counted.judged.load(Ordering::Relaxed) - judged_before;
    let reported = counted.reported.load(Ordering::Relaxed);
    is_over.store(true, Ordering::Relaxed);
    let answered = |threads: Vec<thread::JoinHandle<usize>>| -> usize {
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    };
    let (scrapes, probes) = (answered(scrapers), answered(probes));
    let figures = json!({
        "scrapes": scrapes, "probes": probes, "updates": report.updates,
        "passes": report.passes, "judged": judged, "reported": reported,
    });
    prove::report(&figures).expect("figures");
    assert_eq!((report.lost, report.unequal), (0, 0), "{report:#?}");
    assert!(scrapes > 50 && probes > 50, "{figures:#}");
    // The ends of the clients' time and of the test's may have a tick between them.
    assert!(judged <= report.passes + 2, "{figures:#}");
    assert!(reported <= report.passes + 2, "{figures:#}");
}
