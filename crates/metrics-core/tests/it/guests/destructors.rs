//! Destructors of guests panic or hang: whoever drops the registry goes on.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use node0_metrics_core::{Event, Registry, Sample, Topic};

use crate::scripted::{Gate, Observing, OnDrop, Scripted};

static TOPIC: Topic = Topic::new("dropped", "dropped");

/// A registry with a guest of each kind that acts when it is dropped.
fn registry(act: impl Fn() + Clone + Send + Sync + 'static) -> Registry {
    let registry = Registry::builder().guest_timeout(Duration::from_millis(20)).build();
    let owned = || OnDrop(Box::new(act.clone()));
    let by_monitor = owned();
    let poll = Box::new(move || {
        let _owned = &by_monitor;
    });
    let monitor = Scripted { poll, ..Scripted::new(&TOPIC) };
    registry.monitor(Arc::new(monitor)).expect("it is the first");
    let by_observer = owned();
    let observe = move |_: &Arc<Sample>, _| {
        let _owned = &by_observer;
        Vec::new()
    };
    registry.observe(Observing("dropped", observe)).expect("it is the first");
    let by_listener = owned();
    let listen = move |_: &Event| {
        let _owned = &by_listener;
    };
    registry.listen("dropped", listen).expect("it is the first");
    registry
}

fn panicking() -> (Registry, Receiver<()>) {
    let (sender, dropped) = mpsc::channel();
    let registry = registry(move || {
        let _ = sender.send(());
        panic!("told to");
    });
    (registry, dropped)
}

fn count(calls: &Receiver<()>) -> usize {
    // Ends when the last guest, each of which has a sender, is gone.
    calls.iter().count()
}

#[test]
fn guests_that_panic_when_dropped_do_not_reach_who_drops_the_registry() {
    let (registry, dropped) = panicking();
    drop(registry);
    assert_eq!(count(&dropped), 3);
}

#[test]
fn a_monitor_that_panics_when_dropped_does_not_reach_who_drops_the_last_sample() {
    let (registry, dropped) = panicking();
    registry.ticker().unwrap().tick();
    let sample = registry.latest();
    drop(registry);
    drop(sample);
    assert_eq!(count(&dropped), 3);
}

#[test]
fn guests_that_hang_when_dropped_do_not_hold_who_drops_the_registry() {
    let (release, gate) = Gate::new();
    let (sender, dropped) = mpsc::channel();
    let registry = registry(move || {
        gate.wait();
        let _ = sender.send(());
    });
    drop(registry);
    assert_eq!(dropped.try_iter().count(), 0, "they are still at it");
    drop(release);
    assert_eq!(count(&dropped), 3);
}
