//! Destructors of guests panic or hang: whoever drops the registry goes on.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_core::{
    Event, Judgement, Monitor, Observer, Registry, Report, Sample, Topic, UnknownTarget, View,
};

static TOPIC: Topic = Topic::new("dropped", "dropped");

/// Acts when it is dropped.
struct Dropped(Box<dyn Fn() + Send + Sync>);

impl Drop for Dropped {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Monitor for Dropped {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

impl Observer for Dropped {
    fn name(&self) -> &'static str {
        "dropped"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        Vec::new()
    }
}

/// A registry with a guest of each kind that acts when it is dropped.
fn registry(act: impl Fn() + Clone + Send + Sync + 'static) -> Registry {
    let registry = Registry::builder().guest_patience(Duration::from_millis(20)).build();
    let guest = || Dropped(Box::new(act.clone()));
    registry.monitor(Arc::new(guest())).expect("it is the first");
    registry.observe(guest()).expect("it is the first");
    let owned = guest();
    let listen = move |_: &Event| {
        let _owned = &owned;
    };
    registry.listen("dropped", listen).expect("it is the first");
    registry
}

fn count(calls: &Receiver<()>) -> usize {
    // Ends when the last guest, each of which has a sender, is gone.
    calls.iter().count()
}

#[test]
fn guests_that_panic_when_dropped_do_not_reach_who_drops_the_registry() {
    let (sender, dropped) = mpsc::channel();
    let registry = registry(move || {
        let _ = sender.send(());
        panic!("told to");
    });
    drop(registry);
    assert_eq!(count(&dropped), 3);
}

#[test]
fn a_monitor_that_panics_when_dropped_does_not_reach_who_drops_the_last_sample() {
    let (sender, dropped) = mpsc::channel();
    let registry = registry(move || {
        let _ = sender.send(());
        panic!("told to");
    });
    registry.ticker().unwrap().tick();
    let sample = registry.latest();
    drop(registry);
    drop(sample);
    assert_eq!(count(&dropped), 3);
}

#[test]
fn guests_that_hang_when_dropped_do_not_hold_who_drops_the_registry() {
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let (sender, dropped) = mpsc::channel();
    let registry = registry(move || {
        let _ = held.lock().unwrap().recv();
        let _ = sender.send(());
    });
    drop(registry);
    assert_eq!(dropped.try_iter().count(), 0, "they are still at it");
    drop(release);
    assert_eq!(count(&dropped), 3);
}
