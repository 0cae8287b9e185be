//! Sampling through the public API: stepwise under a manual clock where time matters, else
//! on the aggregator's thread.

mod clock;
mod log;

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use node0_aggregator::{Aggregator, Received, SAMPLING_PANICS, Sampler, StartError};
use node0_metrics_core::{
    Event, Finding, FindingState, Judgement, ManualClock, Monitor, Registry, Report, Status, Topic,
    UnknownTarget, View,
};

static TOPIC: Topic = Topic::new("probe", "probe");

/// A monitor that is judged by a closure.
struct Judged<F>(F);

impl<F: Fn() -> Judgement + Send + Sync + 'static> Monitor for Judged<F> {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        (self.0)()
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

fn stopped_registry() -> Registry {
    Registry::builder().clock(ManualClock::new().clock()).build()
}

#[tokio::test]
async fn subscribers_get_findings_and_changes_of_health_and_then_the_sample() {
    let registry = stopped_registry();
    let penalty = Arc::new(AtomicU64::new(0));
    let told = penalty.clone();
    let judge = move || match told.load(Ordering::Relaxed) {
        0 => Judgement::unknown("nothing yet"),
        _ => Judgement::healthy("fine").with(Finding::critical("told").penalty(50)),
    };
    registry.monitor(Arc::new(Judged(judge))).unwrap();
    let mut sampler = Sampler::new(&registry).unwrap();
    sampler.step();
    let mut events = sampler.subscribe();
    penalty.store(1, Ordering::Relaxed);
    let sample = sampler.step();
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(events.recv().await.unwrap().event);
    }
    let [Event::Finding(finding), Event::Health(health), Event::Sample(sent)] = &received[..]
    else {
        panic!("{received:?}")
    };
    assert_eq!((finding.state, finding.finding.code), (FindingState::Raised, "told"));
    assert_eq!((health.topic.name, health.to), ("probe", Status::Unhealthy));
    assert!(Arc::ptr_eq(sent, &sample));
}

#[tokio::test]
async fn a_slow_subscriber_loses_the_oldest_and_is_told_how_many() {
    let registry = stopped_registry();
    let mut sampler = Sampler::new(&registry).unwrap();
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
async fn a_tick_with_many_events_reaches_a_subscriber_whole() {
    const FOUND: usize = 300;
    let registry = stopped_registry();
    let judge = || {
        let found = (0..FOUND).map(|at| (format!("part-{at}"), Finding::warning("told")));
        let parts = found.map(|(name, found)| (name, Judgement::healthy("fine").with(found)));
        Judgement::of_instances("there is nothing", parts)
    };
    registry.monitor(Arc::new(Judged(judge))).unwrap();
    let mut sampler = Sampler::new(&registry).unwrap();
    let mut events = sampler.subscribe();
    sampler.step();
    let mut found = 0;
    loop {
        let received = events.recv().await.unwrap();
        assert_eq!(received.missed, 0);
        match received.event {
            Event::Finding(_) => found += 1,
            Event::Sample(_) => break,
            _ => {}
        }
    }
    assert_eq!(found, FOUND);
    // A later subscriber gets what comes after its subscription.
    let mut later = sampler.subscribe();
    let sample = sampler.step();
    let received = later.recv().await.unwrap();
    assert!(matches!(received.event, Event::Sample(received) if Arc::ptr_eq(&received, &sample)));
    assert_eq!(received.missed, 0);
}

/// The system's clock, by which the thread waits, is far ahead of the registry's here.
#[tokio::test]
async fn the_thread_ticks_when_the_registrys_clock_says_so() {
    const TICK: Duration = Duration::from_millis(2);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).tick(TICK).build();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe();
    let mut uptimes = Vec::new();
    while uptimes.len() < 20 {
        clock.advance(TICK / 10);
        let received = tokio::time::timeout(TICK, events.recv()).await;
        if let Ok(Some(Received { event: Event::Sample(sample), .. })) = received {
            uptimes.push(sample.uptime);
        }
    }
    assert!(uptimes[19] >= 20 * TICK, "{uptimes:?}");
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

#[tokio::test]
async fn the_thread_ticks_by_the_registrys_length_of_a_tick() {
    let registry = Registry::builder().tick(Duration::from_millis(10)).build();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe();
    let mut uptimes = Vec::new();
    while uptimes.len() < 30 {
        let received = events.recv().await.expect("the aggregator lives");
        if let Event::Sample(sample) = received.event {
            uptimes.push(sample.uptime);
        }
    }
    let took = uptimes[29] - uptimes[0];
    // With ticks of one second, thirty would take 29 s on any machine.
    assert!(took < Duration::from_secs(15), "30 ticks of 10 ms took {took:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn the_longest_tick_of_all_never_ends() {
    let registry = Registry::builder().tick(Duration::MAX).build();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe();
    // It ends when the thread does, as after a panic.
    let ended = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_judgement_that_hangs_stops_no_sampling() {
    let registry = Registry::builder().tick(Duration::from_millis(10)).build();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let judge = move || {
        let _ = held.lock().unwrap().recv();
        Judgement::healthy("at last")
    };
    registry.monitor(Arc::new(Judged(judge))).unwrap();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe();
    let mut samples = 0;
    while samples < 5 {
        let received = events.recv().await.expect("the aggregator lives");
        if let Event::Sample(sample) = received.event {
            assert_eq!(sample.topics[0].assessment.status, Status::Unknown);
            samples += 1;
        }
    }
    drop(release);
    while registry.latest().topics[0].assessment.status != Status::Healthy {
        assert!(events.recv().await.is_some());
    }
}

/// Wakes nobody, and panics instead.
struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("the runtime of the subscriber is gone");
    }
}

#[tokio::test]
async fn a_panic_that_reaches_the_thread_is_counted_and_sampling_goes_on() {
    const TICK: Duration = Duration::from_millis(2);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).tick(TICK).build();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe();
    {
        let mut received = pin!(events.recv());
        let waker = Waker::from(Arc::new(PanickingWaker));
        assert!(received.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        while panics(&registry) == 0.0 {
            clock.advance(TICK / 10);
            thread::yield_now();
        }
    }
    let before = registry.latest().tick;
    while registry.latest().tick < before + 3 {
        clock.advance(TICK / 10);
        thread::yield_now();
    }
    assert_eq!(panics(&registry), 1.0);
    assert!(events.recv().await.is_some());
}

fn panics(registry: &Registry) -> f64 {
    let sample = registry.read();
    let family = sample.snapshot.family(SAMPLING_PANICS.name()).expect("it is registered");
    family.series().map(|(_, value)| value.as_f64()).sum()
}

#[tokio::test]
async fn samples_between_ticks_reach_those_who_want_them_and_end_no_tick() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let mut sampler = Sampler::new(&registry).unwrap();
    let mut ticks = sampler.subscribe();
    let mut all = sampler.subscribe().with_samples_between();
    sampler.step();
    clock.advance(Duration::from_millis(500));
    let between = sampler.step_between();
    assert!(!between.is_tick_end && between.pass > registry.latest().pass);
    clock.advance(Duration::from_millis(500));
    sampler.step();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let Event::Sample(sample) = all.recv().await.unwrap().event else { panic!("no changes") };
        seen.push((sample.uptime.as_millis(), sample.is_tick_end));
    }
    assert_eq!(seen, [(0, true), (500, false), (1000, true)]);
    for uptime in [0, 1000] {
        let received = ticks.recv().await.unwrap();
        let Event::Sample(sample) = received.event else { panic!("no changes") };
        assert_eq!((sample.uptime.as_millis(), received.missed), (uptime, 0));
    }
}

/// The system's clock is far ahead of the registry's here, as above.
#[tokio::test]
async fn the_thread_samples_at_the_multiples_that_are_asked_for() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let aggregator = Aggregator::start(&registry).unwrap();
    let mut events = aggregator.subscribe().with_samples_between();
    let (pace, other) = (events.pace(), events.pace());
    pace.set([Duration::from_millis(300)]);
    other.set([Duration::from_millis(400), Duration::from_millis(1)]);
    other.set([Duration::from_millis(400)]);
    let mut seen = Vec::new();
    for _ in 0..12 {
        clock.advance(Duration::from_millis(100));
        let now = clock.clock().uptime().as_millis();
        if now.is_multiple_of(300) || now.is_multiple_of(400) || now == 1000 {
            let Event::Sample(sample) = events.recv().await.unwrap().event else {
                panic!("no changes")
            };
            seen.push((sample.uptime.as_millis(), sample.is_tick_end));
        }
    }
    let ticks = seen.iter().filter(|(_, is_tick)| *is_tick).map(|(at, _)| *at);
    assert_eq!(ticks.collect::<Vec<_>>(), [1000]);
    let all: Vec<_> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!(all, [300, 400, 600, 800, 900, 1000, 1200]);
    // Without wishes there are ticks alone.
    drop(pace);
    drop(other);
    clock.advance(Duration::from_millis(800));
    let Event::Sample(sample) = events.recv().await.unwrap().event else { panic!("no changes") };
    assert_eq!((sample.uptime.as_millis(), sample.is_tick_end), (2000, true));
}
