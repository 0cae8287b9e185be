//! Loom models: concurrent uses of the core in every order that the memory model allows.
//!
//! They run the shipped modules with smaller sizes. `cargo xtask prove loom`
//! explores them. `cargo xtask prove mutants` puts a fault into one line for
//! each, and checks that the model fails.

use std::time::Duration;

use loom::thread;

use crate::clock::ManualClock;
use crate::instances::{Instance, InstanceHandle, Instances};
use crate::naming::desc::Desc;
use crate::naming::instance_name::InstanceName;
use crate::reading::rows::{Row, Scratch, Turn};
use crate::reading::snapshot::Value;
use crate::reading::timeline::Timeline;
use crate::reading::window::Rule;
use crate::recording::counter::Counter;
use crate::recording::kinds::Cells;
use crate::recording::lanes::{self, Reader};
use crate::recording::latency::Latency;
use crate::recording::layout::LINEAR_NANOS;
use crate::registry::{Registry, RegistryBuilder};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["kind"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");

/// Explores a model with two preemptions, which find nearly every fault, or `LOOM_MAX_PREEMPTIONS`.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.max_branches = 100_000;
    builder.check(model);
}

fn settings() -> RegistryBuilder {
    Registry::builder().clock(ManualClock::new().clock())
}

fn registry() -> Registry {
    settings().build_silent()
}

fn jobs(registry: &Registry, kind: &str) -> Counter {
    registry.counter(&JOBS, &[kind]).expect("the description is right")
}

fn wait(registry: &Registry) -> Latency {
    registry.latency(&WAIT, &[]).expect("the description is right")
}

/// Runs passes over one latency.
struct Watch {
    row: Row,
    time: Timeline,
}

impl Watch {
    fn new(wait: &Latency) -> Self {
        let rule = Rule { samples: 1000, max_age: Duration::from_secs(300) };
        let time = Timeline::starting(Duration::ZERO, rule);
        let core = wait.core().expect("the handle is enabled").clone();
        Self { row: Row::new(Cells::Latency(core), &time), time }
    }

    /// The count and the sum in nanoseconds.
    fn look(&mut self) -> (u64, u64) {
        let reader = Reader::new();
        let mut value = Value::unknown();
        let at = self.time.at(Duration::ZERO);
        let turn = Turn { reader: &reader, closed: None, at, budget: usize::MAX, thins: false };
        let mark = self.row.moved(&reader);
        self.row.update_histogram(&turn, mark, &mut Scratch::new(), &mut value);
        match value {
            Value::Histogram(histogram) => {
                (histogram.total().count(), (histogram.total().sum() * 1e9).round() as u64)
            }
            other => panic!("a latency is no {other:?}"),
        }
    }
}

#[test]
fn record_against_sample() {
    explore(|| {
        let registry = registry();
        let wait = wait(&registry);
        let mut watch = Watch::new(&wait);
        let recording = thread::spawn(move || {
            wait.record_nanos(LINEAR_NANOS);
            wait.record_nanos(LINEAR_NANOS + 1);
        });
        let (count, sum) = watch.look();
        assert!(sum <= count * (LINEAR_NANOS + 1), "{sum} ns in {count} records");
        recording.join().expect("recording cannot fail");
        assert_eq!(watch.look(), (2, 2 * LINEAR_NANOS + 1));
    });
}

#[test]
fn spill_against_sample() {
    explore(|| {
        let registry = registry();
        let wait = wait(&registry);
        let mut watch = Watch::new(&wait);
        let recording = thread::spawn(move || {
            for _ in 0..4 {
                wait.record_nanos(LINEAR_NANOS);
            }
        });
        let (count, sum) = watch.look();
        assert!(sum <= count * LINEAR_NANOS, "{sum} ns in {count} records");
        recording.join().expect("recording cannot fail");
        assert_eq!(watch.look(), (4, 4 * LINEAR_NANOS));
    });
}

#[test]
fn shared_record_against_sample() {
    explore(|| {
        let registry = settings().recording_bytes(0).build_silent();
        let wait = wait(&registry);
        let mut watch = Watch::new(&wait);
        let recording = [1, 2].map(|times| {
            let wait = wait.clone();
            thread::spawn(move || (0..times).for_each(|_| wait.record_nanos(LINEAR_NANOS)))
        });
        let (count, sum) = watch.look();
        assert!(sum <= count * LINEAR_NANOS, "{sum} ns in {count} records");
        recording.into_iter().for_each(|thread| thread.join().expect("recording cannot fail"));
        assert_eq!(watch.look(), (3, 3 * LINEAR_NANOS));
    });
}

#[test]
fn lease_and_return_against_sample() {
    explore(|| {
        let registry = registry();
        let jobs = jobs(&registry, "short");
        let count_once = || {
            let jobs = jobs.clone();
            thread::spawn(move || jobs.inc())
        };
        // Leaves a lane to one of the next two, and the other makes its own.
        count_once().join().expect("recording cannot fail");
        let recording = [count_once(), count_once()];
        let (first, second) = (jobs.total(), jobs.total());
        assert!(first <= second && second <= 3, "{first}, then {second}");
        recording.into_iter().for_each(|thread| thread.join().expect("recording cannot fail"));
        assert_eq!(jobs.total(), 3);
    });
}

#[test]
fn prepare_against_lease() {
    explore(|| {
        let registry = registry();
        let early = jobs(&registry, "early");
        let count_once = || {
            let early = early.clone();
            thread::spawn(move || early.inc())
        };
        count_once().join().expect("recording cannot fail");
        // The lane that is idle now has no cell for it.
        let _late = jobs(&registry, "late");
        let recording = count_once();
        lanes::prepare(usize::MAX);
        recording.join().expect("recording cannot fail");
        assert_eq!(early.total(), 2);
    });
}

#[test]
fn register_against_sample() {
    explore(|| {
        let registry = registry();
        let registering = thread::spawn({
            let registry = registry.clone();
            move || {
                let late = jobs(&registry, "late");
                late.inc();
                assert_eq!(registry.read().view().counter(&late), 1);
                late
            }
        });
        registry.engine.tick();
        let late = registering.join().expect("what was recorded is read");
        assert_eq!(registry.engine.tick().sample.view().counter(&late), 1);
    });
}

#[test]
fn register_against_removal() {
    explore(|| {
        let registry = registry();
        drop(jobs(&registry, "gone"));
        let registering = thread::spawn({
            let registry = registry.clone();
            move || {
                let late = jobs(&registry, "late");
                late.inc();
                late
            }
        });
        registry.engine.tick();
        let late = registering.join().expect("the description is right");
        let sample = registry.engine.tick().sample;
        let value = sample.snapshot.value(JOBS.name(), &[("kind", "late")]);
        assert_eq!(late.total(), 1);
        assert_eq!(value.map(|value| value.as_f64()), Some(1.0), "it left with a handle alive");
    });
}

#[test]
fn drop_against_record() {
    explore(|| {
        let registry = registry();
        let last = jobs(&registry, "last");
        registry.engine.tick();
        let recording = thread::spawn(move || last.inc());
        let last_words = |registry: &Registry| {
            let sample = registry.engine.tick().sample;
            let value = sample.snapshot.value(JOBS.name(), &[("kind", "last")]);
            value.map(|value| value.as_f64())
        };
        let early = last_words(&registry);
        recording.join().expect("recording cannot fail");
        let seen: Vec<_> = [early, last_words(&registry), last_words(&registry)].into();
        let seen: Vec<f64> = seen.into_iter().flatten().collect();
        assert_eq!(seen.last(), Some(&1.0), "it left before it was sampled: {seen:?}");
        assert_eq!(jobs(&registry, "next").total(), 0, "its cells were handed on as they were");
    });
}

#[test]
fn publish_against_latest_and_read() {
    explore(|| {
        let registry = registry();
        let held = jobs(&registry, "held");
        registry.engine.tick();
        let reading = thread::spawn({
            let (registry, held) = (registry.clone(), held.clone());
            move || {
                held.inc();
                assert_eq!(registry.read().view().counter(&held), 1);
            }
        });
        registry.read();
        let (first, second) = (registry.latest().pass, registry.latest().pass);
        assert!(first <= second);
        reading.join().expect("what was recorded is read");
    });
}

/// An instance that records nothing.
struct Plain;

impl Instance for Plain {}

fn enter(instances: &Instances<Plain>) -> Option<InstanceHandle<Plain>> {
    let name = InstanceName::new("main").expect("the name is right");
    instances.enter(name, |_| Ok(Plain)).ok()
}

#[test]
fn last_handle_against_a_further_one() {
    explore(|| {
        let instances = Instances::new("pool");
        let last = enter(&instances).expect("the name is free");
        let taking = thread::spawn({
            let instances = instances.clone();
            move || {
                let Some(_further) = instances.handle("main") else { return };
                assert_eq!(instances.names(), ["main"]);
            }
        });
        drop(last);
        taking.join().expect("who has a handle has an instance");
        assert_eq!(format!("{instances:?}"), "[]");
    });
}

#[test]
fn last_handle_against_enter() {
    explore(|| {
        let instances = Instances::new("pool");
        let last = enter(&instances).expect("the name is free");
        let entering = thread::spawn({
            let instances = instances.clone();
            move || enter(&instances)
        });
        drop(last);
        let next = entering.join().expect("it fails only while the name is taken");
        assert_eq!(instances.names().len(), usize::from(next.is_some()));
    });
}
