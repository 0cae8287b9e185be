//! Guests that hang at the same time are waited for at the same time.
//!
//! Those of a registry are let go when all of them hang. If the registry waited for one before it
//! called the next, they never would.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics_core::{
    Event, GUEST_FAILURES, Judgement, Monitor, Observer, ReadinessCheck, Registry, Report, Sample,
    Topic, UnknownTarget, View,
};

const GUESTS: usize = 20;

/// Hangs until all hang.
#[derive(Clone)]
struct Hanging {
    topic: &'static Topic,
    call: &'static str,
    hanging: Sender<()>,
    held: Arc<Mutex<Receiver<()>>>,
}

impl Hanging {
    fn act(&self, call: &str) {
        if call == self.call {
            let _ = self.hanging.send(());
            let _ = self.held.lock().expect("nothing panics with it").recv();
        }
    }
}

impl Monitor for Hanging {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    fn poll(&self) {
        self.act("poll");
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.act("judge");
        Judgement::healthy("fine")
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

impl Observer for Hanging {
    fn name(&self) -> &'static str {
        self.topic.name
    }

    fn observe(&mut self, sample: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.act("observe");
        vec![Event::Sample(sample.clone())]
    }
}

/// A registry whose guests hang in one kind of call, and the thread that lets them go.
fn registry(call: &'static str) -> (Registry, JoinHandle<usize>) {
    let patience = Duration::from_secs(60);
    let registry = Registry::builder().guest_patience(patience).report_patience(patience).build();
    let (hanging, all_hanging) = mpsc::channel();
    let guests = (0..GUESTS).map(|at| {
        let name: &'static str = Box::leak(format!("guest-{at}").into_boxed_str());
        let topic = Box::leak(Box::new(Topic::new(name, name)));
        let (release, held) = mpsc::channel();
        let held = Arc::new(Mutex::new(held));
        let guest = Hanging { topic, call, hanging: hanging.clone(), held };
        registry.monitor(Arc::new(guest.clone())).expect("it is the first");
        registry.observe(guest.clone()).expect("it is the first");
        registry.listen(name, move |_| guest.act("listen")).expect("it is the first");
        release
    });
    let releases: Vec<_> = guests.collect();
    let releasing = thread::spawn(move || {
        let hung = all_hanging.iter().take(releases.len()).count();
        drop(releases);
        hung
    });
    (registry, releasing)
}

#[test]
fn guests_that_hang_at_once_are_waited_for_at_once() {
    for call in ["poll", "judge", "observe", "listen", "report", "readiness"] {
        let (registry, releasing) = registry(call);
        registry.ticker().unwrap().tick();
        assert_eq!(registry.readiness_checks().len(), 0, "{call}");
        let reports = registry.latest().reports_with(|report| report.topic.name);
        assert_eq!(reports.len(), GUESTS);
        assert!(reports.iter().all(|(topic, name)| name.as_ref().ok() == Some(&topic.name)));
        assert_eq!(releasing.join().unwrap(), GUESTS);
        let snapshot = &registry.read().snapshot;
        let labels = [("guest", "guest-0"), ("call", call), ("reason", "hung")];
        let hung = snapshot.value(GUEST_FAILURES.name(), &labels).map(|value| value.as_f64());
        assert_eq!(hung, Some(0.0), "{call}: they returned in time");
    }
}
