//! Other guests that fail: the history has no hole.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use node0_history::{History, Query};
use node0_metrics_core::{
    Desc, Event, Judgement, Monitor, Observer, RegisterError, Report, Sample, Topic, UnknownTarget,
    View,
};

use crate::{Bench, SECOND, values};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");

/// The ways in which a guest fails.
#[derive(Clone, Copy)]
enum Failure {
    Panics,
    /// Does not return while the sender of this channel lives.
    Hangs(&'static str),
}

impl Failure {
    fn run(self, until: &Receiver<()>) {
        match self {
            Self::Panics => panic!("on purpose"),
            Self::Hangs(_) => drop(until.recv()),
        }
    }
}

struct BrokenObserver(Failure, Receiver<()>);

impl Observer for BrokenObserver {
    fn name(&self) -> &'static str {
        match self.0 {
            Failure::Panics => "panics",
            Failure::Hangs(name) => name,
        }
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.0.run(&self.1);
        Vec::new()
    }
}

static TOPIC: Topic = Topic::new("broken", "broken");

struct BrokenMonitor;

impl Monitor for BrokenMonitor {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        panic!("on purpose");
    }

    fn report(&self, _: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        UnknownTarget::refuse(target)?;
        Ok(Report::new(()))
    }
}

#[test]
fn guests_that_panic_or_hang_make_no_hole() {
    let mut bench = Bench::new();
    let (hold, until) = channel();
    let (_never, at_once) = channel();
    bench.registry.observe(BrokenObserver(Failure::Panics, at_once)).unwrap();
    bench.registry.observe(BrokenObserver(Failure::Hangs("hangs"), until)).unwrap();
    bench.registry.monitor(Arc::new(BrokenMonitor)).unwrap();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.ticks(30, |_| jobs.add(5));
    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 30).step(SECOND));
    assert_eq!(values(&rates), [Some(5.0); 30]);
    drop(hold);
}

#[test]
fn queries_from_many_threads_hold_no_tick() {
    let mut bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.ticks(10, |_| jobs.add(5));
    thread::scope(|scope| {
        for _ in 0..4 {
            let history = bench.history.clone();
            scope.spawn(move || {
                for _ in 0..200 {
                    let query = Query::new("jobs_total").last(SECOND * 5).step(SECOND);
                    let answer = history.query(&query).expect("the query is valid");
                    assert_eq!(values(&answer), [Some(5.0); 5]);
                }
            });
        }
        bench.ticks(100, |_| jobs.add(5));
    });
    let rates = bench.ask(Query::new("jobs_total").last(SECOND * 110).step(SECOND));
    assert_eq!(values(&rates), [Some(5.0); 110]);
}

#[test]
fn its_own_metrics_tell_its_size_and_what_it_dropped() {
    let mut bench = Bench::with(History::builder().max_bytes(60_000));
    let value = |bench: &Bench, name: &str| {
        bench.registry.latest().snapshot.value(name, &[]).map(node0_metrics_core::Value::as_f64)
    };
    bench.ticks(2, |_| {});
    let series = value(&bench, "node0_history_series").unwrap();
    assert!(series > 0.0 && series as usize <= bench.history.stats().series);
    let bytes = value(&bench, "node0_history_bytes").unwrap();
    assert!(bytes > 0.0 && bytes <= bench.history.stats().bytes as f64);
    let label = |n: u32| n.to_string();
    let level = Desc::gauge("level", "A level.").labels(&["n"]);
    let levels: Vec<_> =
        (0..60).map(|n| bench.registry.gauge(&level, &[&label(n)]).unwrap()).collect();
    bench.ticks(300, |tick| {
        let noise = |n: usize| 1.0 / (1.0 + (tick * 7919 % 101) as f64 + n as f64);
        levels.iter().enumerate().for_each(|(n, level)| level.set(noise(n)));
    });
    let stats = bench.history.stats();
    assert!(stats.bytes <= 60_000, "{stats:?}");
    assert!(stats.refused > 0 && stats.evicted > 0, "{stats:?}");
    let told = |name: &str| value(&bench, name).unwrap();
    assert!(told("node0_history_refused_total") > 0.0);
    assert!(told("node0_history_evicted_total") > 0.0);
}

#[test]
fn a_registry_has_one_history() {
    let bench = Bench::new();
    let second = History::register(&bench.registry);
    assert!(matches!(second, Err(RegisterError::DuplicateGuest { .. })), "{second:?}");
}
