//! Recording goes on after a guest panicked, and in the last destructors of a thread.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Counter, Desc, GUEST_FAILURES, GuestError, Judgement, Kind, Labelled, ManualClock, Monitor,
    NotReady, OwnedDesc, ReadinessCheck, Registry, RegistryBuilder, Report, ReportError, Sample,
    Status, Topic, UnknownTarget, Value, View,
};

use crate::Bench;

static BOMB: Topic = Topic::new("bomb", "bomb");
static CALM: Topic = Topic::new("calm", "calm");
const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);

/// Panics wherever it is called, once it was registered.
#[derive(Default)]
struct Bomb(AtomicBool);

impl Monitor for Bomb {
    fn topic(&self) -> &'static Topic {
        assert!(!self.0.swap(true, Ordering::Relaxed), "told to, at the second question");
        &BOMB
    }

    fn poll(&self) {
        panic!("told to");
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        panic!("told to");
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        panic!("told to");
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        panic!("told to");
    }
}

struct Calm;

impl Monitor for Calm {
    fn topic(&self) -> &'static Topic {
        &CALM
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

/// Waits for as long as a busy machine takes to report a panic: a late one would count as hung.
fn patient(settings: RegistryBuilder) -> RegistryBuilder {
    settings.guest_timeout(Duration::from_secs(60)).report_timeout(Duration::from_secs(60))
}

fn watch(registry: &Registry) {
    registry.monitor(Arc::new(Bomb::default())).expect("the topic is free");
    registry.monitor(Arc::new(Calm)).expect("the topic is free");
}

fn panics(sample: &Sample, call: &str) -> f64 {
    let labels = [("guest", "bomb"), ("call", call), ("reason", "panic")];
    sample.snapshot.value(GUEST_FAILURES.name(), &labels).map_or(f64::NAN, Value::as_f64)
}

#[test]
fn a_monitor_that_panics_in_every_call_takes_nothing_with_it_and_is_counted() {
    let mut bench = Bench::with(patient);
    watch(&bench.registry);
    for _ in 0..3 {
        let sample = bench.tick().sample;
        let statuses = sample.topics.iter().map(|topic| topic.assessment.status);
        assert_eq!(statuses.collect::<Vec<_>>(), [Status::Unknown, Status::Healthy]);
        assert!(matches!(
            sample.report("bomb", None),
            Err(ReportError::Failed { reason: GuestError::Panicked, .. })
        ));
        assert!(sample.report("calm", None).is_ok());
    }
    let checks = bench.registry.readiness_checks();
    assert_eq!(checks.iter().map(|check| check.name()).collect::<Vec<_>>(), ["bomb"]);
    let result = checks[0].check().as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let reason = "its monitor, asked for its checks, panicked";
    assert_eq!(result, Poll::Ready(Err(NotReady::new(reason))), "it might be not ready");
    let sample = bench.tick().sample;
    let counted = ["poll", "judge", "report", "readiness"].map(|call| panics(&sample, call));
    assert_eq!(counted, [1.0, 1.0, 3.0, 1.0], "polls and judgements are left out after the first");
}

#[test]
fn a_reader_that_ticks_for_nobody_survives_what_it_calls() {
    let clock = ManualClock::new();
    let registry = patient(Registry::builder().clock(clock.clock())).build();
    watch(&registry);
    for passes in 1..=3 {
        clock.advance(Duration::from_secs(1));
        assert_eq!(registry.read().pass, passes, "it ticked");
        assert_eq!(registry.latest().pass, passes);
    }
    let sample = registry.read();
    assert_eq!((panics(&sample, "poll"), panics(&sample, "judge")), (1.0, 1.0));
}

#[test]
fn a_panic_beside_the_handle_of_some_values_leaves_the_table_whole() {
    let registry = Bench::new().registry;
    let jobs: Labelled<Counter, 1> = registry.counters(&JOBS).unwrap();
    let panics = |n| {
        let with = || jobs.with([n], |_| panic!("told to"));
        assert!(catch_unwind(AssertUnwindSafe(with)).is_err());
    };
    panics("before the first record");
    jobs.inc(["a"]);
    panics("a");
    jobs.inc(["a"]);
    let total = |n| registry.read().snapshot.value("jobs_total", &[("n", n)]).map(Value::as_f64);
    assert_eq!(total("a"), Some(2.0));
}

#[test]
fn guards_that_a_panic_drops_record() {
    let mut bench = Bench::new();
    const BUSY: Desc = Desc::up_down("busy", "Busy.");
    let busy = bench.registry.up_down(&BUSY, &[]).unwrap();
    let wait = bench.registry.latency(&WAIT, &["unwound"]).unwrap();
    let work = || {
        let _guards = (busy.enter(), wait.start());
        panic!("told to");
    };
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
    assert_eq!(busy.level(), 0);
    assert_eq!(bench.tick().sample.view().latency(&wait).unwrap().total().count(), 1);
}

#[test]
fn records_of_all_kinds_count_while_the_thread_is_torn_down() {
    struct Late(Box<dyn Fn()>);
    impl Drop for Late {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    thread_local!(static LATE: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) });

    let registry = Registry::new();
    let jobs: Labelled<Counter, 1> = registry.counters(&JOBS).unwrap();
    let waits = registry.latencies(&WAIT).unwrap();
    let [busy, peak, size, value] = [
        registry.metric(&desc(Kind::UpDown), &[]).unwrap(),
        registry.metric(&desc(Kind::Peak), &[]).unwrap(),
        registry.metric(&desc(Kind::Distribution), &[]).unwrap(),
        registry.metric(&desc(Kind::Gauge), &[]).unwrap(),
    ];
    // The destructor runs before those of what was used after it, and after those of what
    // was used before.
    for used_before in [false, true] {
        let (registry, jobs, waits) = (registry.clone(), jobs.clone(), waits.clone());
        let handles = [busy.clone(), peak.clone(), size.clone(), value.clone()];
        let record = move || {
            handles.iter().for_each(|handle| handle.apply(1.0));
            waits.record(["late"], Duration::from_millis(1));
            jobs.inc(["late"]);
            let wait = registry.latency(&WAIT, &["registered late"]).unwrap();
            wait.start().stop();
            registry.read();
        };
        let work = move || {
            if used_before {
                record();
            }
            LATE.with_borrow_mut(|late| late.push(Late(Box::new(record.clone()))));
            if !used_before {
                record();
            }
        };
        thread::spawn(work).join().expect("a panic in a destructor would abort the process");
    }
    let sample = registry.read();
    let counted = |name, labels: &[_]| sample.snapshot.value(name, labels).map(Value::as_f64);
    let late = [("n", "late")];
    assert_eq!(counted("custom_UpDown", &[]), Some(4.0));
    assert_eq!(counted("custom_Peak", &[]), Some(1.0));
    assert_eq!(counted("custom_Distribution", &[]), Some(4.0));
    assert_eq!(counted("jobs_total", &late), Some(4.0));
    assert_eq!(counted("wait_seconds", &late), Some(4.0));
}

fn desc(kind: Kind) -> OwnedDesc {
    OwnedDesc::new(kind, &format!("custom_{kind:?}"), "Custom.").expect("the name is right")
}
