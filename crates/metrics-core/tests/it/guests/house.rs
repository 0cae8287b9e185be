//! A registry with a failing guest of every kind, each registered before a good one.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    Event, Finding, GUEST_FAILURES, GUEST_SKIPPED, Judgement, ManualClock, Monitor, Observer,
    ReadinessCheck, Registry, Report, ReportError, Sample, Ticker, Topic, UnknownTarget, Value,
    View,
};

use crate::scripted::Observing;

static BAD: Topic = Topic::new("bad", "bad");
static GOOD: Topic = Topic::new("good", "good");

/// The calls that ticks make, and those on request.
pub(super) const OF_A_TICK: [&str; 4] = ["poll", "judge", "observe", "listen"];
pub(super) const ON_DEMAND: [&str; 2] = ["report", "readiness"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
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
    /// Sends a message when a call has begun to hang.
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
pub(super) struct House {
    pub(super) registry: Registry,
    pub(super) ticker: Ticker,
    pub(super) clock: ManualClock,
    pub(super) fault: Arc<Mutex<Fault>>,
    pub(super) hanging: Receiver<()>,
    pub(super) release: Option<Sender<()>>,
    good_calls: Arc<Mutex<Vec<&'static str>>>,
}

impl House {
    pub(super) fn new(call: &'static str, fault: Fault) -> Self {
        let clock = ManualClock::new();
        // A hang is found after 20 ms; all else may take as long as a busy machine needs.
        let patience = match fault {
            Fault::Hang => Duration::from_millis(20),
            _ => Duration::from_secs(60),
        };
        let registry = Registry::builder()
            .clock(clock.clock())
            .guest_timeout(patience)
            .report_timeout(patience)
            .skip_ticks(2)
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
        let chatter = |sample: &Arc<Sample>, _| vec![Event::Sample(sample.clone())];
        registry.observe(Observing("chatter", chatter)).expect("it is the first");
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
    pub(super) fn tick(&mut self) -> Arc<Sample> {
        self.good_calls.lock().expect("it is not poisoned").clear();
        self.clock.advance(Duration::from_secs(1));
        let sample = self.ticker.tick().sample;
        let mut calls = self.good_calls.lock().expect("it is not poisoned").clone();
        calls.dedup();
        assert_eq!(calls, OF_A_TICK, "the good guests were called");
        sample
    }

    /// Requests a report or the readiness checks.
    pub(super) fn ask(&self, call: &str) -> Option<ReportError> {
        match call {
            "report" => self.registry.latest().report("bad", None).err(),
            _ => {
                let checks = self.registry.readiness_checks();
                assert!(checks.iter().all(|check| check.name() == "bad"), "the good one has none");
                None
            }
        }
    }

    pub(super) fn count(&self, call: &str, reason: &str) -> f64 {
        let labels = [("guest", "bad"), ("call", call), ("reason", reason)];
        self.value(GUEST_FAILURES.name(), &labels)
    }

    pub(super) fn is_skipped(&self, call: &str) -> bool {
        self.value(GUEST_SKIPPED.name(), &[("guest", "bad"), ("call", call)]) == 1.0
    }

    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let sample = self.registry.read();
        sample.snapshot.value(name, labels).map_or(f64::NAN, Value::as_f64)
    }
}
