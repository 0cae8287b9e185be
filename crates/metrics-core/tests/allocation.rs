//! Recording allocates nothing once a thread has touched what it records into.
//!
//! The allocator of this process counts for each thread by itself, so it is a process of
//! its own, and what a sampling thread allocates meanwhile is not mistaken for the
//! recording ones'. What may allocate, by design: a thread's first touch of a metric, the
//! first value of a distribution in an octave, the first exemplar of a series, and the
//! first call with a name.

use std::future;
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use node0_metrics_core::{
    Counter, Desc, Distribution, Gauge, HitRatio, Kind, Labelled, Latency, Measuring, OwnedDesc,
    Peak, Registry, TraceId, Unit, UpDown,
};

const HITS: Desc = Desc::counter("hits_total", "Hits.").labels(&["zone", "kind"]);
const LOOKUPS: Desc = Desc::counter("lookups_total", "Lookups.").labels(&["tier", "result"]);
const VALUE: Desc = Desc::gauge("value", "A value.");
const LEVEL: Desc = Desc::up_down("level", "A level.");
const PEAK: Desc = Desc::peak("level_peak", "Its peak.");
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["zone"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3]);

const THREADS: usize = 4;
/// Calls in one measurement.
const CALLS: u64 = 1000;

/// Something that records, told how often it was called before.
struct Operation {
    name: String,
    call: Box<dyn Fn(u64) + Send + Sync>,
}

#[derive(Default)]
struct Operations(Vec<Operation>);

impl Operations {
    fn add(&mut self, name: &str, call: impl Fn(u64) + Send + Sync + 'static) {
        self.0.push(Operation { name: name.to_owned(), call: Box::new(call) });
    }

    fn scalars(&mut self, hits: Counter, ratio: HitRatio, value: Gauge, level: UpDown, peak: Peak) {
        let (added, entered) = (hits.clone(), level.clone());
        let (hit, changed) = (ratio.clone(), value.clone());
        self.add("Counter::inc", move |_| hits.inc());
        self.add("Counter::add", move |i| added.add(i));
        self.add("HitRatio::hit", move |_| hit.hit());
        self.add("HitRatio::miss", move |_| ratio.miss());
        self.add("Gauge::set", move |i| value.set(i as f64));
        self.add("Gauge::add", move |_| changed.add(1.5));
        self.add("UpDown::add", move |_| level.add(1));
        self.add("UpDown::enter", move |_| drop(entered.enter()));
        self.add("Peak::record", move |i| peak.record(i));
    }

    fn histograms(&mut self, wait: &Latency, size: Distribution) {
        let mut on_wait = |name, call: fn(&Latency, u64)| {
            let wait = wait.clone();
            self.add(name, move |i| call(&wait, i));
        };
        // Over many octaves and past the last.
        on_wait("Latency::record", |wait, i| wait.record(Duration::from_nanos(1 << (i % 64))));
        on_wait("Latency::record_traced", |wait, i| {
            wait.record_traced(Duration::from_millis(i), TraceId::new(i.into()));
        });
        on_wait("Timer::stop", |wait, _| {
            wait.start().stop();
        });
        on_wait("Timer::drop", |wait, _| drop(wait.start()));
        on_wait("Timer::discard", |wait, _| wait.start().discard());
        on_wait("Latency::time", |wait, i| {
            let mut timed = pin!(wait.time(future::ready(i)));
            assert!(timed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        });
        on_wait("Latency::clone", |wait, _| wait.clone().record(Duration::from_millis(1)));
        // In one octave: its first value allocates the cells of the octave, for all threads.
        self.add("Distribution::record", move |i| size.record((1024 + i % 1024) as f64));
    }

    fn by_values(
        &mut self,
        hits: Labelled<Counter, 2>,
        waits: Labelled<Latency, 1>,
        lookups: Labelled<HitRatio, 1>,
    ) {
        let (added, missed) = (hits.clone(), lookups.clone());
        self.add("Labelled::inc", move |_| hits.inc(["us", "warm"]));
        self.add("Labelled::add", move |i| added.add(["us", "warm"], i));
        self.add("Labelled::record", move |i| waits.record(["us"], Duration::from_micros(i)));
        self.add("Labelled::hit", move |_| lookups.hit(["L2"]));
        self.add("Labelled::miss", move |_| missed.miss(["L2"]));
    }

    fn custom(&mut self, registry: &Registry) {
        for kind in [Kind::Counter, Kind::Gauge, Kind::UpDown, Kind::Peak, Kind::Latency] {
            let desc = OwnedDesc::new(kind, &format!("custom_{kind:?}"), "Custom.");
            let desc = desc.expect("the name is right");
            let metric = registry.metric(&desc, &[("zone", "eu")]).expect("the name is free");
            self.add(&format!("{kind:?} AnyMetric::apply"), move |i| metric.apply(i as f64));
        }
    }

    fn of(registry: &Registry) -> Self {
        let right = "the description is right";
        let mut all = Self::default();
        all.scalars(
            registry.counter(&HITS, &["eu", "cold"]).expect(right),
            registry.hit_ratio(&LOOKUPS, &["L1"]).expect(right),
            registry.gauge(&VALUE, &[]).expect(right),
            registry.up_down(&LEVEL, &[]).expect(right),
            registry.peak(&PEAK, &[]).expect(right),
        );
        let wait = registry.latency(&WAIT, &["eu"]).expect(right);
        all.histograms(&wait, registry.distribution(&SIZE, &[]).expect(right));
        all.by_values(
            registry.counters(&HITS).expect(right),
            registry.latencies(&WAIT).expect(right),
            registry.hit_ratios(&LOOKUPS).expect(right),
        );
        all.custom(registry);
        all
    }

    fn disabled() -> Self {
        let mut all = Self::default();
        let (counter, ratio) = (Counter::disabled(), HitRatio::disabled());
        all.scalars(counter, ratio, Gauge::disabled(), UpDown::disabled(), Peak::disabled());
        all.histograms(&Latency::disabled(), Distribution::disabled());
        all.by_values(Labelled::disabled(), Labelled::disabled(), Labelled::disabled());
        all
    }

    /// Calls each once on each thread, then again and again while `registry` is sampled.
    fn check(&self, registry: &Registry) {
        let mut ticker = registry.ticker().expect("nobody ticks it");
        let (done, passes) = (AtomicBool::new(false), AtomicU64::new(0));
        let touched = Barrier::new(THREADS);
        thread::scope(|scope| {
            let recording = [(); THREADS].map(|()| scope.spawn(|| self.run(&touched, &passes)));
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    registry.read();
                    ticker.tick();
                    passes.fetch_add(1, Ordering::Relaxed);
                }
            });
            let ends = recording.map(|thread| thread.join());
            done.store(true, Ordering::Relaxed);
            for end in ends {
                end.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
    }

    fn run(&self, touched: &Barrier, passes: &AtomicU64) {
        self.0.iter().for_each(|operation| (operation.call)(0));
        touched.wait();
        let start = passes.load(Ordering::Relaxed);
        let mut calls = 1;
        // Until whole passes have run beside it.
        while calls < 10 * CALLS || passes.load(Ordering::Relaxed) < start + 3 {
            for Operation { name, call } in &self.0 {
                let made = measure(|| (calls..calls + CALLS).for_each(call)).count_total;
                assert_eq!(made, 0, "{name} allocated, in calls {calls} to {}", calls + CALLS);
            }
            calls += CALLS;
        }
    }
}

#[test]
fn second_record_on_a_thread_and_all_after_it_allocate_nothing() {
    let registry = Registry::new();
    Operations::of(&registry).check(&registry);
}

#[test]
fn records_beyond_the_byte_budget_allocate_nothing() {
    let registry = Registry::builder().recording_bytes(0).build();
    Operations::of(&registry).check(&registry);
}

#[test]
fn records_with_measuring_switched_off_allocate_nothing() {
    let registry = Registry::new();
    registry.set_measuring(Measuring::Off);
    Operations::of(&registry).check(&registry);
}

#[test]
fn disabled_handles_never_allocate() {
    for Operation { name, call } in Operations::disabled().0 {
        let made = measure(|| (0..CALLS).for_each(call)).count_total;
        assert_eq!(made, 0, "a disabled {name} allocated");
    }
}

#[test]
fn a_series_that_is_registered_again_and_again_takes_no_further_memory() {
    let registry = Registry::new();
    let desc = OwnedDesc::new(Kind::Gauge, "custom", "Custom.").expect("the name is right");
    let register = |_: u64| registry.metric(&desc, &[("zone", "eu")]).expect("the name is free");
    let _held = register(0);
    let kept = measure(|| (0..10_000).for_each(|again| drop(register(again)))).bytes_current;
    assert_eq!(kept, 0);
}

/// The counter counts: without this, an allocator that is not in place would pass all of the above.
#[test]
fn first_record_of_a_thread_is_seen_to_allocate() {
    let registry = Registry::new();
    let wait = registry.latency(&WAIT, &["eu"]).expect("the description is right");
    thread::scope(|scope| {
        let first = scope.spawn(|| measure(|| wait.record(Duration::from_millis(1))).count_total);
        assert_ne!(first.join().expect("recording cannot fail"), 0);
    });
}
