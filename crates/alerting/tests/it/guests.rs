//! Other guests of the registry that panic or hang: the alerts go on.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use node0_alerting::Alerts;
use node0_metrics_core::AlertState::Firing;
use node0_metrics_core::{
    Event, Judgement, ManualClock, Monitor, Observer, Registry, Report, Sample, Topic,
    UnknownTarget, View,
};

use crate::house::{LEVEL, SECOND, high};

static TOPIC: Topic = Topic::new("broken", "broken");

/// What a guest does when it is called.
#[derive(Clone)]
enum Fault {
    Panics,
    /// Hangs until the sender is dropped.
    Hangs(Arc<Mutex<mpsc::Receiver<()>>>),
}

impl Fault {
    fn strike(&self) {
        match self {
            Self::Panics => panic!("a guest that panics"),
            Self::Hangs(gate) => {
                let _ = gate.lock().expect("it is not poisoned").recv();
            }
        }
    }
}

struct Broken(Fault);

impl Monitor for Broken {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.0.strike();
        Judgement::healthy("")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

impl Observer for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.0.strike();
        Vec::new()
    }
}

/// Lets a guest of each kind fail beside the alerts, of which one is to fire and to end.
fn alerts_go_on(fault: &Fault) {
    let clock = ManualClock::new();
    let registry =
        Registry::builder().clock(clock.clock()).guest_timeout(Duration::from_millis(300)).build();
    let level = registry.gauge(&LEVEL, &["a"]).expect("it is new");
    registry.monitor(Arc::new(Broken(fault.clone()))).expect("the topic is free");
    registry.observe(Broken(fault.clone())).expect("the name is free");
    let listener = fault.clone();
    registry.listen("broken", move |_| listener.strike()).expect("the name is free");
    let alerts = Alerts::builder().rules([high().lasting(SECOND * 3)]).register(&registry);
    let alerts = alerts.expect("the rule is good");
    let (sender, heard) = mpsc::channel();
    let tell = move |event: &Event| {
        if let Event::Alert(change) = event {
            let _ = sender.send(change.cause);
        }
    };
    registry.listen("pager", tell).expect("the name is free");
    let mut ticker = registry.ticker().expect("nobody else ticks");
    level.set(11.0);
    for _ in 0..4 {
        clock.advance(SECOND);
        ticker.tick();
    }
    assert_eq!(alerts.overview().active[0].state, Firing);
    let next = || heard.recv_timeout(Duration::from_secs(20));
    assert_eq!(next(), Ok(node0_metrics_core::AlertCause::Fired));
    level.set(0.0);
    clock.advance(SECOND);
    ticker.tick();
    assert_eq!(next(), Ok(node0_metrics_core::AlertCause::Resolved));
}

#[test]
fn guests_that_panic_stop_no_alert() {
    alerts_go_on(&Fault::Panics);
}

#[test]
fn guests_that_hang_stop_no_alert() {
    let (release, gate) = mpsc::channel();
    alerts_go_on(&Fault::Hangs(Arc::new(Mutex::new(gate))));
    drop(release);
}
