//! Guests that do harm by the values that they return or drop, or by returning late.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Event, Finding, GUEST_FAILURES, GUEST_SKIPPED, Judgement, ManualClock, NotReady, Observer,
    ReadinessCheck, Registry, Report, Sample, Topic, Value,
};
use serde::{Serialize, Serializer};

use crate::Bench;
use crate::scripted::{Gate, Observing, OnDrop, Scripted};

static TOPIC: Topic = Topic::new("hostile", "hostile");

/// Does work that may hang, on a thread of its own.
fn returns<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(work))));
    let result = result.recv_timeout(Duration::from_secs(30)).expect("it hangs");
    result.expect("it panics")
}

fn failures(bench: &Bench, call: &str, reason: &str) -> Option<f64> {
    let labels = [("guest", "hostile"), ("call", call), ("reason", reason)];
    bench.registry.read().snapshot.value(GUEST_FAILURES.name(), &labels).map(Value::as_f64)
}

#[test]
fn a_panic_whose_payload_panics_when_dropped_stays_with_the_guest() {
    let panics = returns(|| {
        let mut bench = Bench::with(|builder| builder.guest_timeout(Duration::from_secs(60)));
        let poll = Box::new(|| panic_any(OnDrop(Box::new(|| panic!("told to, in a destructor")))));
        bench.registry.monitor(Arc::new(Scripted { poll, ..Scripted::new(&TOPIC) })).unwrap();
        bench.tick();
        failures(&bench, "poll", "panic")
    });
    assert_eq!(panics, Some(1.0));
}

#[test]
fn a_panic_whose_payload_hangs_when_dropped_holds_no_tick() {
    let (_release, gate) = Gate::new();
    let hung = returns(move || {
        let mut bench = Bench::with(|builder| builder.guest_timeout(Duration::from_millis(50)));
        let poll = Box::new(move || {
            let gate = gate.clone();
            panic_any(OnDrop(Box::new(move || gate.wait())))
        });
        bench.registry.monitor(Arc::new(Scripted { poll, ..Scripted::new(&TOPIC) })).unwrap();
        bench.tick();
        bench.tick();
        failures(&bench, "poll", "hung")
    });
    assert_eq!(hung, Some(1.0));
}

#[test]
fn a_call_that_failed_can_be_left_out_for_ever() {
    let panics = returns(|| {
        let mut bench = Bench::with(|builder| {
            builder.skip_ticks(u64::MAX).guest_timeout(Duration::from_secs(60))
        });
        let poll = Box::new(|| panic!("told to"));
        bench.registry.monitor(Arc::new(Scripted { poll, ..Scripted::new(&TOPIC) })).unwrap();
        (0..3).for_each(|_| drop(bench.tick()));
        failures(&bench, "poll", "panic")
    });
    assert_eq!(panics, Some(1.0));
}

#[test]
fn a_ticker_that_is_taken_while_a_reader_ticks_waits_for_that_tick() {
    let clock = ManualClock::new();
    let settings = Registry::builder().guest_timeout(Duration::from_secs(60));
    let registry = settings.clock(clock.clock()).build();
    let ((release, gate), (judging, is_judging)) = (Gate::new(), mpsc::channel());
    let judge = Box::new(move || {
        let _ = judging.send(());
        gate.wait();
        Judgement::healthy("fine")
    });
    registry.monitor(Arc::new(Scripted { judge, ..Scripted::new(&TOPIC) })).unwrap();
    let (published, passes) = mpsc::channel();
    let observe = move |sample: &Arc<Sample>, _| {
        let _ = published.send(sample.pass);
        Vec::new()
    };
    registry.observe(Observing("passes", observe)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| registry.read());
        is_judging.recv().expect("the reader ticks");
        let mut ticker = registry.ticker().unwrap();
        let ticked = scope.spawn(move || ticker.tick().sample.pass);
        let second = is_judging.recv_timeout(Duration::from_millis(100));
        assert!(second.is_err(), "a second tick judges beside the first");
        drop(release);
        assert_eq!(ticked.join().expect("it ticks"), registry.latest().pass);
    });
    assert_eq!(passes.try_iter().collect::<Vec<_>>(), [1, 2], "in order");
}

/// Reports each sample as an event, the first when it is told to.
struct Slow {
    gate: Option<Gate>,
    returning: Sender<()>,
}

impl Observer for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _: u64) -> Vec<Event> {
        if let Some(gate) = self.gate.take() {
            gate.wait();
            let _ = self.returning.send(());
        }
        vec![Event::Sample(sample.clone())]
    }
}

#[test]
fn events_of_an_observer_that_returns_late_are_told_once_it_has() {
    let mut bench =
        Bench::with(|builder| builder.guest_timeout(Duration::from_millis(50)).skip_ticks(0));
    let ((release, gate), (returning, has_returned)) = (Gate::new(), mpsc::channel());
    bench.registry.observe(Slow { gate: Some(gate), returning }).unwrap();
    let told = |bench: &mut Bench| {
        let events = bench.tick().events.into_iter().filter_map(|event| match event {
            Event::Sample(sample) => Some(sample.tick),
            _ => None,
        });
        events.collect::<Vec<_>>()
    };
    assert!(told(&mut bench).is_empty(), "it is waited for no longer");
    drop(release);
    has_returned.recv().expect("it goes on");
    let late = std::iter::repeat_with(|| told(&mut bench)).find(|told| !told.is_empty());
    assert_eq!(late.and_then(|told| told.first().copied()), Some(1), "the event of its first call");
}

#[test]
fn a_listener_that_hears_nothing_is_shown_as_left_out_no_longer_than_it_is() {
    let mut bench =
        Bench::with(|builder| builder.skip_ticks(2).guest_timeout(Duration::from_secs(60)));
    let is_first = AtomicBool::new(true);
    let judge = Box::new(move || {
        let found = is_first.swap(false, Ordering::Relaxed).then(|| Finding::warning("once"));
        Judgement::healthy("fine").with_all(found)
    });
    bench.registry.monitor(Arc::new(Scripted { judge, ..Scripted::new(&TOPIC) })).unwrap();
    let mut is_first = true;
    let cleared = move |_: &Event| assert!(!std::mem::take(&mut is_first), "told to");
    bench.registry.listen("hostile", cleared).unwrap();
    let mut benched = || {
        bench.tick();
        let labels = [("guest", "hostile"), ("call", "listen")];
        let sample = bench.registry.read();
        sample.snapshot.value(GUEST_SKIPPED.name(), &labels).map(Value::as_f64)
    };
    // It hears of the finding, and is left out when it hears that it is gone.
    assert_eq!([(); 4].map(|()| benched()), [1.0, 1.0, 1.0, 0.0].map(Some));
}

#[test]
fn a_report_that_returned_is_shown_as_left_out_no_longer() {
    let (release, gate) = Gate::new();
    let mut bench = Bench::with(|builder| builder.report_timeout(Duration::from_millis(20)));
    let report = Box::new(move || {
        gate.wait();
        Report::new(())
    });
    bench.registry.monitor(Arc::new(Scripted { report, ..Scripted::new(&TOPIC) })).unwrap();
    assert!(bench.tick().sample.report("hostile", None).is_err());
    let mut is_skipped = || {
        bench.tick();
        let labels = [("guest", "hostile"), ("call", "report")];
        let sample = bench.registry.read();
        sample.snapshot.value(GUEST_SKIPPED.name(), &labels).map(Value::as_f64) == Some(1.0)
    };
    assert!(is_skipped(), "it hangs");
    drop(release);
    while is_skipped() {
        thread::yield_now();
    }
}

/// A check that does something when it is dropped.
struct Check(#[expect(dead_code, reason = "only its destructor matters")] OnDrop);

impl ReadinessCheck for Check {
    fn name(&self) -> &str {
        "check"
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin(ready(Ok(())))
    }
}

#[test]
fn a_check_that_hangs_when_dropped_holds_nobody_who_asks_for_checks() {
    let (_release, gate) = Gate::new();
    let given = returns(move || {
        let registry = Registry::builder().guest_timeout(Duration::from_millis(50)).build();
        let is_first = AtomicBool::new(true);
        let readiness = Box::new(move || -> Vec<Arc<dyn ReadinessCheck>> {
            let (gate, hangs) = (gate.clone(), is_first.swap(false, Ordering::Relaxed));
            let drops = OnDrop(Box::new(move || {
                if hangs {
                    gate.wait()
                }
            }));
            vec![Arc::new(Check(drops))]
        });
        registry.monitor(Arc::new(Scripted { readiness, ..Scripted::new(&TOPIC) })).unwrap();
        // The second list takes the place of the first, whose check drops.
        [(); 3].map(|()| registry.readiness_checks().len())
    });
    assert_eq!(given, [1, 1, 1]);
}

/// A body that does something when it is written.
struct Body(Box<dyn Fn() + Send>);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)();
        serializer.serialize_unit()
    }
}

#[test]
fn a_body_that_panics_or_hangs_while_it_is_written_is_a_report_that_failed() {
    let write = |patience: u64, act: fn(&Gate)| {
        let (_release, gate) = Gate::new();
        returns(move || {
            let patience = Duration::from_millis(patience);
            let bench = Bench::with(|builder| builder.report_timeout(patience));
            let report = Box::new(move || {
                let gate = gate.clone();
                Report::new(Body(Box::new(move || act(&gate))))
            });
            bench.registry.monitor(Arc::new(Scripted { report, ..Scripted::new(&TOPIC) })).unwrap();
            let sample = bench.registry.read();
            let json = sample.report_with("hostile", None, |body| serde_json::to_string(&body));
            let error = json.expect_err("it cannot be written").to_string();
            (error, ["panic", "hung"].map(|reason| failures(&bench, "report", reason)))
        })
    };
    let panicked = ("the monitor of topic `hostile` panicked".to_owned(), [1.0, 0.0].map(Some));
    assert_eq!(write(60_000, |_| panic!("told to")), panicked);
    let hung = ("the monitor of topic `hostile` did not return".to_owned(), [0.0, 1.0].map(Some));
    assert_eq!(write(50, Gate::wait), hung);
}

#[test]
fn a_report_that_asks_for_itself_is_refused_at_some_depth() {
    let mut bench = Bench::with(|builder| builder.report_timeout(Duration::from_secs(60)));
    let (calls, registry) = (Arc::new(AtomicUsize::new(0)), bench.registry.clone());
    let count = calls.clone();
    let report = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        drop(registry.latest().report("hostile", None));
        Report::new(())
    });
    bench.registry.monitor(Arc::new(Scripted { report, ..Scripted::new(&TOPIC) })).unwrap();
    let sample = bench.tick().sample;
    assert!(returns(move || sample.report("hostile", None).is_ok()));
    assert_eq!(calls.load(Ordering::Relaxed), 32);
}

#[test]
fn a_report_that_hangs_costs_few_threads_however_many_ask_at_once() {
    let (release, gate) = Gate::new();
    let bench = Bench::with(|builder| builder.report_timeout(Duration::from_secs(60)));
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let report = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        gate.wait();
        Report::new(())
    });
    bench.registry.monitor(Arc::new(Scripted { report, ..Scripted::new(&TOPIC) })).unwrap();
    let sample = bench.registry.read();
    thread::scope(|scope| {
        let (refused, refusals) = mpsc::channel();
        for _ in 0..100 {
            let (sample, refused) = (sample.clone(), refused.clone());
            scope.spawn(move || {
                if let Err(error) = sample.report("hostile", None) {
                    let _ = refused.send(error.to_string());
                }
            });
        }
        let errors: Vec<_> = refusals.iter().take(68).collect();
        drop(release);
        let busy =
            "the monitor of topic `hostile` is refused: too many calls of this kind run already";
        assert!(errors.iter().all(|error| error == busy), "{errors:?}");
    });
    assert_eq!(calls.load(Ordering::Relaxed), 32);
}
