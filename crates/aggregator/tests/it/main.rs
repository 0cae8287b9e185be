//! Sampling through the public API: by steps where time matters, by thread where it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use aggregator::{Aggregator, BENCHED, POLL_FAILURES, Sampler, StartError};
use metrics_core::{
    Assessment, Event, ManualClock, Monitor, Registry, Report, Sample, Status, Topic,
    UnknownTarget, Value, View,
};

/// A monitor whose poll is a closure, and which is as healthy as it is told.
struct Polled {
    topic: &'static Topic,
    poll: Box<dyn Fn() + Send + Sync>,
    penalty: Arc<AtomicU64>,
}

static GOOD: Topic = Topic::new("good", "good");
static BAD: Topic = Topic::new("bad", "bad");

impl Monitor for Polled {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    fn poll(&self) {
        (self.poll)();
    }

    fn assess(&self, _: &View<'_>) -> Assessment {
        match self.penalty.load(Ordering::Relaxed) {
            0 => Assessment::healthy("fine"),
            _ => Assessment::unknown("told so"),
        }
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

struct Bench {
    clock: ManualClock,
    registry: Registry,
    good_polls: Arc<AtomicU64>,
    penalty: Arc<AtomicU64>,
}

impl Bench {
    /// A registry with a bad monitor before a good one.
    fn new(bad: impl Fn() + Send + Sync + 'static) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let (good_polls, penalty) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let count = good_polls.clone();
        let good = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let monitor = |topic, poll: Box<dyn Fn() + Send + Sync>| {
            let penalty = penalty.clone();
            registry
                .monitor(Arc::new(Polled { topic, poll, penalty }))
                .expect("each topic is registered once");
        };
        monitor(&BAD, Box::new(bad));
        monitor(&GOOD, Box::new(good));
        Self { clock, registry, good_polls, penalty }
    }
}

fn failures(sample: &Sample, reason: &str) -> f64 {
    let labels = [("topic", "bad"), ("reason", reason)];
    sample.snapshot.value(POLL_FAILURES.name(), &labels).map_or(0.0, Value::as_f64)
}

fn benched(sample: &Sample) -> f64 {
    sample.snapshot.value(BENCHED.name(), &[("topic", "bad")]).map_or(0.0, Value::as_f64)
}

#[test]
fn a_poll_that_panics_is_named_and_left_out_for_ten_ticks() {
    let polls = Arc::new(AtomicU64::new(0));
    let count = polls.clone();
    let bench = Bench::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        panic!("told to");
    });
    // However long a busy machine takes to report the panic: a late poll is another failure.
    let patient = Sampler::builder().poll_patience(Duration::from_secs(60));
    let mut sampler = patient.build(&bench.registry).unwrap();
    let sample = sampler.step();
    assert_eq!((failures(&sample, "panic"), benched(&sample)), (1.0, 1.0));
    for _ in 0..10 {
        sampler.step();
    }
    assert_eq!(polls.load(Ordering::Relaxed), 1, "it was left out");
    let sample = sampler.step();
    assert_eq!((failures(&sample, "panic"), polls.load(Ordering::Relaxed)), (2.0, 2));
    assert_eq!(bench.good_polls.load(Ordering::Relaxed), 12, "the other was polled each tick");
}

#[test]
fn a_poll_that_takes_too_long_is_left_out_and_comes_back() {
    let slow = Arc::new(AtomicU64::new(2));
    let clock = Arc::new(std::sync::Mutex::new(None::<ManualClock>));
    let (clock_in_poll, slow_in_poll) = (clock.clone(), slow.clone());
    let bench = Bench::new(move || {
        let millis = slow_in_poll.load(Ordering::Relaxed);
        if let Some(clock) = &*clock_in_poll.lock().unwrap() {
            clock.advance(Duration::from_millis(millis));
        }
    });
    *clock.lock().unwrap() = Some(bench.clock.clone());
    let mut sampler = Sampler::builder().bench_ticks(2).build(&bench.registry).unwrap();
    assert_eq!(benched(&sampler.step()), 1.0);
    slow.store(0, Ordering::Relaxed);
    assert_eq!(benched(&sampler.step()), 1.0);
    assert_eq!(benched(&sampler.step()), 1.0);
    let sample = sampler.step();
    assert_eq!((benched(&sample), failures(&sample, "overrun")), (0.0, 1.0));
}

#[test]
fn a_poll_that_hangs_holds_neither_the_tick_nor_the_others() {
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let bench = Bench::new(move || {
        let _ = held.lock().unwrap().recv();
    });
    let mut sampler = Sampler::builder()
        .poll_patience(Duration::from_millis(20))
        .bench_ticks(0)
        .build(&bench.registry)
        .unwrap();
    for tick in 1..=5 {
        let sample = sampler.step();
        assert_eq!((failures(&sample, "hung"), benched(&sample)), (1.0, 1.0), "tick {tick}");
        assert_eq!(bench.good_polls.load(Ordering::Relaxed), tick);
    }
    // The lost worker comes back and the monitor gets its place again.
    drop(release);
    while benched(&sampler.step()) == 1.0 {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn listeners_get_each_sample_and_each_change_of_health() {
    let bench = Bench::new(|| {});
    let mut sampler = Sampler::new(&bench.registry).unwrap();
    sampler.step();
    let mut events = sampler.subscribe();
    bench.penalty.store(1, Ordering::Relaxed);
    let sample = sampler.step();
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(events.recv().await.unwrap().event);
    }
    let Event::Health(change) = &received[0] else { panic!("{received:?}") };
    assert_eq!((change.topic.name, change.to), ("bad", Status::Unknown));
    let Event::Sample(told) = &received[2] else { panic!("{received:?}") };
    assert!(Arc::ptr_eq(told, &sample));
}

#[tokio::test]
async fn a_slow_listener_loses_the_oldest_and_is_told_how_many() {
    let bench = Bench::new(|| {});
    let mut sampler = Sampler::new(&bench.registry).unwrap();
    let mut events = sampler.subscribe();
    for _ in 0..100 {
        sampler.step();
    }
    let received = events.recv().await.unwrap();
    assert_eq!(received.missed, 36);
    let Event::Sample(sample) = received.event else { panic!("there are no changes") };
    assert_eq!(sample.pass, 37);
    drop(sampler);
    for _ in 0..63 {
        assert_eq!(events.recv().await.unwrap().missed, 0);
    }
    assert!(events.recv().await.is_none(), "the sampler is gone");
}

#[tokio::test]
async fn the_thread_samples_until_it_is_dropped() {
    let registry = Registry::new();
    let aggregator = Aggregator::start(&registry).unwrap();
    assert!(matches!(Aggregator::start(&registry), Err(StartError::AlreadyTicking(_))));
    let mut events = aggregator.subscribe();
    assert_eq!(aggregator.listener_count(), 1);
    for _ in 0..2 {
        assert!(events.recv().await.is_some());
    }
    assert!(registry.latest().pass >= 2);
    drop(aggregator);
    assert!(events.recv().await.is_none());
    assert!(registry.ticker().is_ok(), "the ticker is free again");
}
