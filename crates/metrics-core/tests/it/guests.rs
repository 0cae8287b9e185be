//! Code of others panics, overruns its budget or hangs: ticks go on, and the guest is named.

use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use metrics_core::{
    Event, Finding, GUEST_BENCHED, GUEST_CALL_DURATION, GUEST_FAILURES, GuestCall, GuestError,
    Judgement, ManualClock, Monitor, Observer, ReadinessCheck, Registry, Report, ReportError,
    Sample, Status, Ticker, Topic, UnknownTarget, Value, View,
};

static BAD: Topic = Topic::new("bad", "bad");
static GOOD: Topic = Topic::new("good", "good");

/// The calls that belong to a tick, and those that somebody asks for.
const OF_A_TICK: [&str; 4] = ["poll", "judge", "observe", "listen"];
const ON_DEMAND: [&str; 2] = ["report", "readiness"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Panic,
    Overrun,
    Hang,
}

/// Misbehaves in one kind of call.
#[derive(Clone)]
struct Guest {
    call: &'static str,
    fault: Arc<Mutex<Fault>>,
    clock: ManualClock,
    /// Says that a call has begun to hang.
    hanging: Sender<()>,
    /// Closed to let it go on.
    held: Arc<Mutex<Receiver<()>>>,
}

impl Guest {
    fn act(&self, call: &str) {
        if call != self.call {
            return;
        }
        let fault = *self.fault.lock().expect("it is not poisoned");
        match fault {
            Fault::None => {}
            Fault::Panic => panic!("told to"),
            Fault::Overrun => self.clock.advance(Duration::from_secs(1)),
            Fault::Hang => {
                let _ = self.hanging.send(());
                let _ = self.held.lock().expect("it is not poisoned").recv();
            }
        }
    }
}

impl Monitor for Guest {
    fn topic(&self) -> &'static Topic {
        &BAD
    }

    fn poll(&self) {
        self.act("poll");
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.act("judge");
        Judgement::healthy("fine").with(Finding::warning("always"))
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        self.act("report");
        Ok(Report::new(()))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        self.act("readiness");
        Vec::new()
    }
}

impl Observer for Guest {
    fn name(&self) -> &'static str {
        "bad"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.act("observe");
        Vec::new()
    }
}

/// Counts what it is shown.
struct Good {
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Good {
    fn note(&self, call: &'static str) {
        self.calls.lock().expect("it is not poisoned").push(call);
    }
}

impl Monitor for Good {
    fn topic(&self) -> &'static Topic {
        &GOOD
    }

    fn poll(&self) {
        self.note("poll");
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.note("judge");
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

impl Observer for Good {
    fn name(&self) -> &'static str {
        "good"
    }

    fn observe(&mut self, _: &Arc<Sample>, missed: u64) -> Vec<Event> {
        assert_eq!(missed, 0);
        self.note("observe");
        Vec::new()
    }
}

/// A registry with a bad guest of every kind before a good one.
struct House {
    registry: Registry,
    ticker: Ticker,
    clock: ManualClock,
    fault: Arc<Mutex<Fault>>,
    hanging: Receiver<()>,
    release: Option<Sender<()>>,
    good_calls: Arc<Mutex<Vec<&'static str>>>,
}

impl House {
    fn new(call: &'static str, fault: Fault) -> Self {
        let clock = ManualClock::new();
        // A hang is found after 20 ms; all else may take as long as a busy machine needs.
        let patience = match fault {
            Fault::Hang => Duration::from_millis(20),
            _ => Duration::from_secs(60),
        };
        let registry = Registry::builder()
            .clock(clock.clock())
            .guest_patience(patience)
            .report_patience(patience)
            .bench_ticks(2)
            .build();
        let ((hanging, has_hung), (release, held)) = (mpsc::channel(), mpsc::channel());
        let fault = Arc::new(Mutex::new(fault));
        let held = Arc::new(Mutex::new(held));
        let bad = Guest { call, fault: fault.clone(), clock: clock.clone(), hanging, held };
        let good_calls = Arc::new(Mutex::new(Vec::new()));
        let good = || Good { calls: good_calls.clone() };
        registry.monitor(Arc::new(bad.clone())).expect("it is the first");
        registry.monitor(Arc::new(good())).expect("it is the first");
        registry.observe(bad.clone()).expect("it is the first");
        registry.observe(good()).expect("it is the first");
        // Both listeners have something to hear at each tick.
        registry.observe(Chatter).expect("it is the first");
        registry.listen("bad", move |_| bad.act("listen")).expect("it is the first");
        let heard = good();
        registry.listen("good", move |_| heard.note("listen")).expect("it is the first");
        let ticker = registry.ticker().expect("it is the first");
        Self {
            registry,
            ticker,
            clock,
            fault,
            hanging: has_hung,
            release: Some(release),
            good_calls,
        }
    }

    /// Ticks, and checks that the good guests were called as ever.
    fn tick(&mut self) -> Arc<Sample> {
        self.good_calls.lock().expect("it is not poisoned").clear();
        self.clock.advance(Duration::from_secs(1));
        let sample = self.ticker.tick().sample;
        let mut calls = self.good_calls.lock().expect("it is not poisoned").clone();
        calls.dedup();
        assert_eq!(calls, OF_A_TICK, "the good guests were called");
        sample
    }

    /// Has somebody ask for a report or for checks.
    fn ask(&self, call: &str) -> Option<ReportError> {
        match call {
            "report" => self.registry.latest().report("bad", None).err(),
            _ => {
                assert_eq!(self.registry.readiness_checks().len(), 0);
                None
            }
        }
    }

    fn count(&self, call: &str, reason: &str) -> f64 {
        let labels = [("guest", "bad"), ("call", call), ("reason", reason)];
        self.value(GUEST_FAILURES.name(), &labels)
    }

    fn is_benched(&self, call: &str) -> bool {
        self.value(GUEST_BENCHED.name(), &[("guest", "bad"), ("call", call)]) == 1.0
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let sample = self.registry.read();
        sample.snapshot.value(name, labels).map_or(f64::NAN, Value::as_f64)
    }
}

/// Raises an event at each tick.
struct Chatter;

impl Observer for Chatter {
    fn name(&self) -> &'static str {
        "chatter"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _: u64) -> Vec<Event> {
        vec![Event::Sample(sample.clone())]
    }
}

#[test]
fn calls_of_a_tick_that_panic_are_counted_and_left_out_for_some_ticks() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Panic);
        let counts = [1.0, 1.0, 1.0, 2.0];
        for (tick, count) in counts.into_iter().enumerate() {
            house.tick();
            assert_eq!(house.count(call, "panic"), count, "{call} at tick {tick}");
            assert!(house.is_benched(call), "{call} at tick {tick}");
        }
    }
}

#[test]
fn calls_of_a_tick_that_overrun_are_counted_and_come_back() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Overrun);
        house.tick();
        let found = (house.count(call, "overrun"), house.is_benched(call));
        assert_eq!(found, (1.0, false), "{call}: the machine may have been busy");
        house.tick();
        assert_eq!((house.count(call, "overrun"), house.is_benched(call)), (2.0, true), "{call}");
        *house.fault.lock().unwrap() = Fault::None;
        for _ in 0..2 {
            house.tick();
            assert!(house.is_benched(call), "{call} is left out");
        }
        house.tick();
        assert_eq!((house.count(call, "overrun"), house.is_benched(call)), (2.0, false), "{call}");
    }
}

#[test]
fn calls_of_a_tick_that_hang_hold_neither_the_tick_nor_the_others() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Hang);
        for tick in 1..=5 {
            house.tick();
            assert_eq!(
                (house.count(call, "hung"), house.is_benched(call)),
                (1.0, true),
                "{call} {tick}"
            );
        }
        assert_eq!(house.hanging.try_iter().count(), 1, "{call} was not called again");
        // The lost thread comes back, and the guest gets its place again.
        *house.fault.lock().unwrap() = Fault::None;
        drop(house.release.take());
        while house.is_benched(call) {
            house.tick();
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_report_or_a_list_of_checks_that_fails_holds_nobody_and_is_counted() {
    for call in ON_DEMAND {
        let mut house = House::new(call, Fault::Panic);
        house.tick();
        for times in [1.0, 2.0] {
            let error = house.ask(call);
            assert!(error.is_none_or(|error| error.to_string().ends_with("panicked")));
            assert_eq!(
                house.count(call, "panic"),
                times,
                "{call} is called whenever it is asked for"
            );
        }
        *house.fault.lock().unwrap() = Fault::Overrun;
        assert!(house.ask(call).is_none(), "a late {call} is still one");
        assert_eq!(house.count(call, "overrun"), 1.0);
        house.tick();
    }
}

#[test]
fn a_report_or_a_list_of_checks_that_hangs_is_refused_until_it_returns() {
    for call in ON_DEMAND {
        let mut house = House::new(call, Fault::Hang);
        house.tick();
        for _ in 0..3 {
            let error = house.ask(call);
            assert!(error.is_none_or(|error| error.to_string().ends_with("did not return")));
            house.tick();
        }
        assert_eq!((house.count(call, "hung"), house.is_benched(call)), (1.0, true), "{call}");
        assert_eq!(house.hanging.try_iter().count(), 1, "one thread hangs, not three");
        *house.fault.lock().unwrap() = Fault::None;
        drop(house.release.take());
        while house.is_benched(call) {
            let _ = house.ask(call);
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_topic_whose_judgement_fails_is_unknown_and_keeps_its_findings() {
    for fault in [Fault::Panic, Fault::Hang] {
        let mut house = House::new("judge", fault);
        *house.fault.lock().unwrap() = Fault::None;
        house.clock.advance(Duration::from_secs(1));
        let raised = house.ticker.tick().events;
        assert!(matches!(&raised[0], Event::Finding(change) if change.finding.code == "always"));
        *house.fault.lock().unwrap() = fault;
        house.clock.advance(Duration::from_secs(1));
        let tick = house.ticker.tick();
        assert_eq!(tick.sample.topics[0].assessment.status, Status::Unknown, "{fault:?}");
        let cleared = tick.events.iter().any(|event| matches!(event, Event::Finding(_)));
        assert!(!cleared, "nothing says that it is over");
    }
}

#[test]
fn each_call_is_timed_under_its_guests_name() {
    let mut house = House::new("none", Fault::None);
    house.tick();
    house.ask("report");
    house.ask("readiness");
    for call in OF_A_TICK.iter().chain(&ON_DEMAND) {
        let labels = [("guest", "bad"), ("call", call)];
        assert_eq!(house.value(GUEST_CALL_DURATION.name(), &labels), 1.0, "{call}");
    }
}

#[test]
fn futures_that_others_poll_are_contained_and_counted_by_how_they_end() {
    let house = House::new("none", Fault::None);
    let check = house.registry.guard("bad", GuestCall::Check).unwrap();
    let mut waiting = Context::from_waker(Waker::noop());
    let mut poll =
        |future: Pin<&mut dyn Future<Output = Result<u8, GuestError>>>| future.poll(&mut waiting);
    let mut ready = pin!(check.contain(async { 7 }));
    assert_eq!(poll(ready.as_mut()), Poll::Ready(Ok(7)));
    let mut panicking = pin!(check.contain(async { panic!("told to") }));
    assert_eq!(poll(panicking.as_mut()), Poll::Ready(Err(GuestError::Panicked)));
    {
        let mut never = pin!(check.contain(std::future::pending()));
        assert_eq!(poll(never.as_mut()), Poll::Pending);
        assert_eq!(house.count("check", "hung"), 0.0, "it may still end");
    }
    let counts = ["panic", "overrun", "hung"].map(|reason| house.count("check", reason));
    assert_eq!(counts, [1.0, 0.0, 1.0]);
}

#[test]
fn an_observer_is_told_how_many_samples_it_missed() {
    struct Late(Sender<(u64, u64)>);
    impl Observer for Late {
        fn name(&self) -> &'static str {
            "late"
        }

        fn observe(&mut self, sample: &Arc<Sample>, missed: u64) -> Vec<Event> {
            let _ = self.0.send((sample.pass, missed));
            assert_ne!(sample.pass, 2, "told to");
            Vec::new()
        }
    }
    let mut house = House::new("none", Fault::None);
    house.tick();
    let (sender, seen) = mpsc::channel();
    house.registry.observe(Late(sender)).unwrap();
    for _ in 0..5 {
        house.tick();
    }
    // It panicked at the second, and was left out for two ticks.
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(2, 0), (5, 2), (6, 0)]);
}
