//! Readiness in paused time: how results of checks change the status, and how soon.

mod runtimes;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use node0_http_glue::{CheckStatus, Readiness, ReadinessStatus};
use node0_metrics_core::{GUEST_FAILURES, NotReady, ReadinessCheck, Registry, Value};
use tokio::time::{Instant, sleep};

use crate::support::{DATABASE, Scripted, Served};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Up,
    Down,
    Hung,
    Panicking,
}

/// A check that gives the result that the test sets, and counts its calls.
struct Switch {
    name: &'static str,
    mood: std::sync::Mutex<Mood>,
    asked: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Switch {
    fn new(name: &'static str, mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            name,
            mood: std::sync::Mutex::new(mood),
            asked: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        })
    }

    fn turn(&self, mood: Mood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }
}

impl ReadinessCheck for Switch {
    fn name(&self) -> &str {
        self.name
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_running.fetch_max(running, Ordering::Relaxed);
            let _running = Running(&self.running);
            let mood = *self.mood.lock().expect("not poisoned");
            match mood {
                Mood::Up => Ok(()),
                Mood::Down => Err(NotReady::new("connection refused")),
                Mood::Hung => std::future::pending().await,
                Mood::Panicking => panic!("on purpose"),
            }
        })
    }
}

/// Waits in paused time until the status is `wanted`, and returns how long that took.
async fn until(readiness: &Readiness, wanted: ReadinessStatus) -> Duration {
    let start = Instant::now();
    while readiness.status() != wanted {
        assert!(start.elapsed() < Duration::from_secs(60), "never {wanted:?}");
        sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

async fn started_with(check: &Arc<Switch>) -> Readiness {
    let readiness = Readiness::builder(&Registry::new()).check(check.clone()).start();
    readiness.started();
    until(&readiness, ReadinessStatus::Ready).await;
    readiness
}

#[tokio::test(start_paused = true)]
async fn a_service_is_starting_until_it_says_otherwise_and_each_check_has_a_result() {
    let check = Switch::new("db", Mood::Hung);
    let readiness = Readiness::builder(&Registry::new()).check(check.clone());
    let readiness = readiness.waits_for_started().start();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(readiness.status(), ReadinessStatus::Starting);
    readiness.started();
    assert_eq!(readiness.status(), ReadinessStatus::Starting, "the check has no result yet");
    until(&readiness, ReadinessStatus::NotReady).await;
    check.turn(Mood::Up);
    until(&readiness, ReadinessStatus::Ready).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_success_counts_at_once() {
    let readiness = Readiness::builder(&Registry::new()).check(Switch::new("db", Mood::Up)).start();
    readiness.started();
    assert!(until(&readiness, ReadinessStatus::Ready).await < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn death_and_return_are_told_within_four_seconds() {
    for death in [Mood::Down, Mood::Hung, Mood::Panicking] {
        // At different moments of a round.
        for offset in [0, 10, 490, 990] {
            let check = Switch::new("db", Mood::Up);
            let readiness = started_with(&check).await;
            sleep(Duration::from_millis(3000 + offset)).await;
            check.turn(death);
            let took = until(&readiness, ReadinessStatus::NotReady).await;
            assert!(took <= Duration::from_secs(4), "{death:?} at {offset}: {took:?}");
            sleep(Duration::from_millis(3000 + offset)).await;
            check.turn(Mood::Up);
            let took = until(&readiness, ReadinessStatus::Ready).await;
            assert!(took <= Duration::from_secs(4), "{death:?} at {offset}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_forgiven() {
    let check = Switch::new("db", Mood::Up);
    let readiness = started_with(&check).await;
    for _ in 0..5 {
        let asked = check.asked.load(Ordering::Relaxed);
        check.turn(Mood::Down);
        while check.asked.load(Ordering::Relaxed) == asked {
            sleep(Duration::from_millis(10)).await;
        }
        check.turn(Mood::Up);
        sleep(Duration::from_millis(2500)).await;
        assert_eq!(readiness.status(), ReadinessStatus::Ready);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_check_is_asked_once_at_a_time_however_many_look() {
    let check = Switch::new("db", Mood::Hung);
    let readiness = Readiness::builder(&Registry::new()).check(check.clone()).start();
    for _ in 0..1000 {
        readiness.report();
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(check.most_running.load(Ordering::Relaxed), 1);
    assert!((15..=21).contains(&check.asked.load(Ordering::Relaxed)));
    let message = readiness.report().checks["db"].message.clone();
    assert_eq!(message.as_deref(), Some("no answer within 1000 ms"));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_answers_is_named_in_a_metric() {
    let registry = Registry::new();
    let hung = Switch::new("db", Mood::Hung);
    let _readiness = Readiness::builder(&registry).check(hung).start();
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(hung_checks(&registry, "db"), 2.0, "at each of two rounds");
}

/// A check that blocks its thread until the sender is dropped.
struct Blocking(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl ReadinessCheck for Blocking {
    fn name(&self) -> &str {
        "blocking"
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin(async {
            let _ = self.0.lock().expect("not poisoned").recv();
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_check_that_blocks_holds_no_worker_of_the_runtime_and_no_other_check() {
    let registry = Registry::new();
    let (release, held) = std::sync::mpsc::channel();
    let blocking = Arc::new(Blocking(std::sync::Mutex::new(held)));
    let readiness = Readiness::builder(&registry)
        .check(blocking)
        .check_fn("free", || async { Ok(()) })
        .interval(Duration::from_millis(20))
        .timeout(Duration::from_millis(20))
        .own_thread()
        .start();
    readiness.started();
    // The test runs on the only worker, so it could not go on if the check blocked that one.
    while hung_checks(&registry, "blocking") == 0.0 {
        sleep(Duration::from_millis(5)).await;
    }
    until(&readiness, ReadinessStatus::NotReady).await;
    let report = readiness.report();
    assert_eq!(report.checks["blocking"].status, CheckStatus::Fail);
    assert_eq!(report.checks["free"].status, CheckStatus::Pass);
    drop(release);
    until(&readiness, ReadinessStatus::Ready).await;
}

fn hung_checks(registry: &Registry, check: &str) -> f64 {
    let labels = [("guest", check), ("call", "check"), ("reason", "hung")];
    let sample = registry.read();
    sample.snapshot.value(GUEST_FAILURES.name(), &labels).map_or(0.0, Value::as_f64)
}

#[tokio::test(start_paused = true)]
async fn a_panicking_check_is_down_and_the_others_go_on() {
    let bad = Switch::new("bad", Mood::Panicking);
    let good = Switch::new("good", Mood::Up);
    let readiness = Readiness::builder(&Registry::new()).check(bad).check(good.clone()).start();
    readiness.started();
    until(&readiness, ReadinessStatus::NotReady).await;
    sleep(Duration::from_secs(5)).await;
    let report = readiness.report();
    assert_eq!(report.checks["bad"].status, CheckStatus::Fail);
    assert_eq!(report.checks["bad"].message.as_deref(), Some("the check panicked"));
    assert_eq!(report.checks["good"].status, CheckStatus::Pass);
    assert!(report.checks["good"].age.is_some_and(|age| age <= Duration::from_secs(2)));
    assert!(good.asked.load(Ordering::Relaxed) >= 4);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_joins_later_takes_nothing_out() {
    let registry = Registry::new();
    let readiness = Readiness::builder(&registry).start();
    readiness.started();
    until(&readiness, ReadinessStatus::Ready).await;
    let check = Switch::new("database:main", Mood::Up);
    let monitor = Scripted { checks: vec![check], ..Scripted::new(&DATABASE) };
    registry.monitor(Arc::new(monitor)).expect("a new topic");
    let start = Instant::now();
    while !readiness.report().checks.contains_key("database:main") {
        assert_eq!(readiness.status(), ReadinessStatus::Ready);
        assert!(start.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(readiness.status(), ReadinessStatus::Ready);
}

#[tokio::test(start_paused = true)]
async fn the_probe_shows_the_checks_and_why_they_fail() {
    let check = Switch::new("database:main", Mood::Up);
    let monitor = Scripted { checks: vec![check.clone()], ..Scripted::new(&DATABASE) };
    let served = Served::new(vec![monitor]);
    let answer = served.get("/health/ready").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &"starting".into()));

    served.readiness.started();
    until(&served.readiness, ReadinessStatus::Ready).await;
    let answer = served.get("/readyz").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["status"], "ready");
    assert_eq!(body["checks"]["database:main"]["status"], "pass");
    assert!(body["checks"]["database:main"]["ageMs"].is_u64());
    assert!(body["checks"]["database:main"].get("message").is_none());

    check.turn(Mood::Down);
    until(&served.readiness, ReadinessStatus::NotReady).await;
    let answer = served.get("/health/ready").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &"not_ready".into()));
    assert_eq!(answer.json()["checks"]["database:main"]["message"], "connection refused");

    served.readiness.drain();
    let answer = served.get("/health/ready").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &"draining".into()));
}

#[tokio::test(start_paused = true)]
async fn the_checks_end_with_the_last_handle() {
    let check = Switch::new("db", Mood::Up);
    let readiness = started_with(&check).await;
    drop(readiness);
    sleep(Duration::from_millis(10)).await;
    let asked = check.asked.load(Ordering::Relaxed);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(check.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test(start_paused = true)]
async fn the_longest_times_of_all_are_taken() {
    let (check, registry) = (Switch::new("db", Mood::Up), Registry::new());
    let builder = Readiness::builder(&registry).check(check);
    let readiness = builder.timeout(Duration::MAX).interval(Duration::MAX).start();
    readiness.started();
    until(&readiness, ReadinessStatus::Ready).await;
}

/// A check whose name can be made to hang.
struct Anonymous {
    check: Arc<Switch>,
    /// If set, `name` hangs until the sender of this channel is dropped.
    held: std::sync::Mutex<Option<std::sync::mpsc::Receiver<()>>>,
}

impl ReadinessCheck for Anonymous {
    fn name(&self) -> &str {
        if let Some(held) = &*self.held.lock().expect("not poisoned") {
            let _ = held.recv();
        }
        "anonymous"
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        self.check.check()
    }
}

#[tokio::test]
async fn a_name_that_hangs_keeps_no_check_from_being_asked() {
    // The name hangs from the start, or only later.
    for is_first in [true, false] {
        let (release, held) = std::sync::mpsc::channel();
        let (good, bad) = (Switch::new("good", Mood::Up), Switch::new("bad", Mood::Up));
        let anonymous =
            Arc::new(Anonymous { check: bad.clone(), held: std::sync::Mutex::new(None) });
        let hang = || *anonymous.held.lock().expect("not poisoned") = Some(held);
        let registry = Registry::builder().guest_timeout(Duration::from_millis(50)).build();
        let builder = Readiness::builder(&registry).check(good).check(anonymous.clone());
        let builder = builder.interval(Duration::from_millis(5));
        let readiness = if is_first {
            hang();
            builder.start()
        } else {
            let readiness = builder.start();
            readiness.started();
            until(&readiness, ReadinessStatus::Ready).await;
            hang();
            readiness
        };
        readiness.started();
        until(&readiness, ReadinessStatus::Ready).await;
        bad.turn(Mood::Down);
        until(&readiness, ReadinessStatus::NotReady).await;
        drop(release);
        while !readiness.report().checks.contains_key("anonymous") {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[test]
fn checks_are_asked_while_all_blocking_threads_are_busy() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .expect("the system gives what it needs");
    runtime.block_on(async {
        let (check, registry) = (Switch::new("db", Mood::Up), Registry::new());
        let builder = Readiness::builder(&registry).check(check.clone());
        let times = Duration::from_millis(20);
        let readiness = builder.interval(times).timeout(times).start();
        readiness.started();
        until(&readiness, ReadinessStatus::Ready).await;
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || held.recv());
        check.turn(Mood::Down);
        until(&readiness, ReadinessStatus::NotReady).await;
        drop(release);
        assert!(busy.await.expect("it returns").is_err());
    });
}
