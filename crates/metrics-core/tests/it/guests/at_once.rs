//! Guests that hang at the same time are waited for at the same time.
//!
//! Those of a registry are let go when all of them hang. If the registry waited for one before it
//! called the next, they never would.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use node0_metrics_core::{Event, GUEST_FAILURES, Judgement, Registry, Report, Sample, Topic};

use crate::scripted::{Gate, Observing, Scripted};

const GUESTS: usize = 20;

/// A registry whose guests hang in one kind of call, and the thread that lets them go.
fn registry(hangs_in: &'static str) -> (Registry, JoinHandle<usize>) {
    let patience = Duration::from_secs(60);
    let registry = Registry::builder().guest_timeout(patience).report_timeout(patience).build();
    let (hanging, all_hanging) = mpsc::channel();
    let guests = (0..GUESTS).map(|at| {
        let name: &'static str = Box::leak(format!("guest-{at}").into_boxed_str());
        let topic: &'static Topic = Box::leak(Box::new(Topic::new(name, name)));
        let (release, gate) = Gate::new();
        let act = |call: &'static str| {
            let (hanging, gate) = (hanging.clone(), gate.clone());
            move || {
                if call == hangs_in {
                    let _ = hanging.send(());
                    gate.wait();
                }
            }
        };
        let [judge, report, readiness, observe, listen] =
            ["judge", "report", "readiness", "observe", "listen"].map(act);
        let monitor = Scripted {
            topic,
            poll: Box::new(act("poll")),
            judge: Box::new(move || {
                judge();
                Judgement::healthy("fine")
            }),
            report: Box::new(move || {
                report();
                Report::new(())
            }),
            readiness: Box::new(move || {
                readiness();
                Vec::new()
            }),
        };
        registry.monitor(Arc::new(monitor)).expect("it is the first");
        let observe = move |sample: &Arc<Sample>, _| {
            observe();
            vec![Event::Sample(sample.clone())]
        };
        registry.observe(Observing(name, observe)).expect("it is the first");
        registry.listen(name, move |_| listen()).expect("it is the first");
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
