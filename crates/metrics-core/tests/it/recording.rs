use std::time::Duration;

use node0_metrics_core::{
    AnyMetric, Classic, ClassicShape, Counter, Desc, DescError, Distribution, Gauge, Kind, Latency,
    MAX_HELP_BYTES, MAX_LABEL_KEY_BYTES, MAX_LABELS, MAX_NAME_BYTES, Measuring, OwnedDesc, Peak,
    RegisterError, Registry, TraceId, UpDown,
};

use crate::Bench;

const HITS: Desc = Desc::counter("hits_total", "Hits.").labels(&["zone", "kind"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const LEVEL: Desc = Desc::up_down("level", "A level.");
const PEAK: Desc = Desc::peak("level_peak", "Its peak.");
const VALUE: Desc = Desc::gauge("value", "A value.");

#[test]
fn the_same_labels_in_any_order_are_one_series() {
    let bench = Bench::new();
    let a = bench.registry.counter(&HITS, &["eu", "cold"]).unwrap();
    let b = bench.registry.counter(&HITS, &["eu", "cold"]).unwrap();
    a.inc();
    b.add(2);
    let sample = bench.registry.read();
    let value = sample.snapshot.value("hits_total", &[("kind", "cold"), ("zone", "eu")]);
    assert_eq!(value.map(node0_metrics_core::Value::as_f64), Some(3.0));
}

#[test]
fn a_refused_registration_says_what_is_wrong() {
    let registry = Bench::new().registry;
    let count = registry.counter(&HITS, &["eu"]).unwrap_err();
    assert_eq!(count, RegisterError::LabelCount { name: "hits_total".into(), expected: 2, got: 1 });
    let kind = registry.gauge(&HITS, &["eu", "cold"]).unwrap_err();
    assert!(kind.to_string().contains("is a Counter, not a Gauge"), "{kind}");
    let _held = registry.counter(&HITS, &["eu", "cold"]).unwrap();
    const OTHER: Desc = Desc::counter("hits_total", "Other words.").labels(&["zone", "kind"]);
    let conflict = registry.counter(&OTHER, &["eu", "cold"]).unwrap_err();
    assert!(conflict.to_string().contains("another help text"), "{conflict}");
}

#[test]
fn names_made_at_run_time_follow_the_same_rules() {
    for bad in ["", "9lives", "_private", "with space", "a:b", "über", "x_count"] {
        let refused = OwnedDesc::new(Kind::Gauge, bad, "Help.");
        assert!(matches!(refused, Err(DescError::Name { .. })), "{bad:?} was taken");
    }
    let desc = OwnedDesc::new(Kind::Counter, "custom_metric", "Help.").unwrap();
    assert_eq!(desc.name, "custom_metric_total");
    let registry = Bench::new().registry;
    let refused = registry.metric(&desc, &[("le", "1")]);
    assert!(matches!(refused, Err(RegisterError::Desc(DescError::Label { .. }))));
    let metric = registry.metric(&desc, &[("service", "api")]).unwrap();
    let AnyMetric::Counter(counter) = metric else { panic!("a counter was described") };
    counter.add(42);
    let sample = registry.read();
    let value = sample.snapshot.value("custom_metric_total", &[("service", "api")]).unwrap();
    assert_eq!(value.as_f64(), 42.0);
}

/// Registers the second metric beside the first, whose line it would share.
#[track_caller]
fn check_clash(first: (Kind, &str), second: (Kind, &str), line: &str) {
    let desc = |(kind, name)| OwnedDesc::new(kind, name, "Help.").expect("a good name");
    for (first, second) in [(first, second), (second, first)] {
        let registry = Bench::new().registry;
        let held = registry.metric(&desc(first), &[]).expect("it is the first");
        let refused = registry.metric(&desc(second), &[]).expect_err("they share a line");
        let (name, other) = (second.1.to_owned().into(), first.1.to_owned());
        assert_eq!(refused, RegisterError::Clash { name, other, line: line.to_owned() });
        drop(held);
    }
}

#[test]
fn two_names_of_which_a_format_would_drop_one_are_refused() {
    check_clash((Kind::Gauge, "jobs"), (Kind::Counter, "jobs_total"), "jobs");
    check_clash((Kind::UpDown, "jobs"), (Kind::Total, "jobs_total"), "jobs");
    check_clash((Kind::Distribution, "jobs"), (Kind::Counter, "jobs_total"), "jobs");
    check_clash((Kind::Distribution, "jobs"), (Kind::Counter, "jobs_sum_total"), "jobs_sum");
    check_clash(
        (Kind::Latency, "x_seconds"),
        (Kind::Counter, "x_seconds_bucket_total"),
        "x_seconds_bucket",
    );
    check_clash(
        (Kind::Counter, "jobs_total"),
        (Kind::Counter, "jobs_created_total"),
        "jobs_created",
    );
    check_clash((Kind::Counter, "jobs_total"), (Kind::Counter, "jobs_total_total"), "jobs_total");

    let registry = Bench::new().registry;
    const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["queue"]);
    const RUNNING: Desc = Desc::gauge("jobs", "Running jobs.");
    let running = registry.gauge(&RUNNING, &[]).unwrap();
    let refused = registry.counters::<1>(&JOBS).unwrap_err();
    let message = "metric `jobs_total` cannot be beside `jobs`: a format writes `jobs` for both";
    assert_eq!(refused.to_string(), message);
    drop(running);
}

#[test]
fn the_name_of_a_metric_that_is_gone_is_free() {
    let mut bench = Bench::new();
    let desc = |kind, name| OwnedDesc::new(kind, name, "Help.").unwrap();
    let (jobs, total) = (desc(Kind::Gauge, "jobs"), desc(Kind::Counter, "jobs_total"));
    let running = bench.registry.metric(&jobs, &[]).unwrap();
    bench.tick();
    drop(running);
    assert!(bench.registry.metric(&total, &[]).is_err(), "it is on the next page");
    bench.tick();
    assert!(bench.registry.metric(&total, &[]).is_ok());
}

#[test]
fn a_description_that_was_changed_for_the_worse_is_refused() {
    let desc = |kind| OwnedDesc::new(kind, "jobs", "Help.").unwrap();
    let registry = Bench::new().registry;
    let refused = |change: fn(&mut OwnedDesc), kind| {
        let mut desc = desc(kind);
        change(&mut desc);
        registry.metric(&desc, &[("queue", "a")]).unwrap_err()
    };
    for (kind, change) in [
        (Kind::Gauge, (|desc| desc.name = "bad name".into()) as fn(&mut OwnedDesc)),
        (Kind::Gauge, |desc| desc.name = "jobs_count".into()),
        (Kind::Counter, |desc| desc.name = "bare".into()),
    ] {
        let error = refused(change, kind);
        assert!(matches!(error, RegisterError::Desc(DescError::Name { .. })), "{error:?}");
    }
    for change in [(|desc| desc.bounds = vec![2.0, 1.0].into()) as fn(&mut OwnedDesc), |desc| {
        desc.bounds = vec![f64::NAN].into()
    }] {
        let error = refused(change, Kind::Distribution);
        assert!(matches!(error, RegisterError::Desc(DescError::Bounds { .. })), "{error:?}");
    }
}

#[test]
fn a_projection_that_does_not_fit_its_metric_is_refused() {
    let registry = Bench::new().registry;
    for (shape, kind, name) in [
        (ClassicShape::Summary, Kind::Counter, "x_{operation}"),
        (ClassicShape::Counter, Kind::Gauge, "x_{operation}"),
        (ClassicShape::Ratio, Kind::Latency, "x_{operation}"),
        (ClassicShape::Gauge, Kind::Latency, "x_{operation}"),
        (ClassicShape::Gauge, Kind::Gauge, "x_{no_such_label}"),
        (ClassicShape::Gauge, Kind::Gauge, ""),
    ] {
        let mut desc = OwnedDesc::new(kind, "metric", "Help.").unwrap();
        desc.classic = Some(Classic { shape, name, help: "Help." });
        let refused = registry.metric(&desc, &[("operation", "a")]).unwrap_err();
        let is_named = matches!(refused, RegisterError::Desc(DescError::Classic { .. }));
        assert!(is_named, "{shape:?} of {kind:?} as {name}: {refused:?}");
    }
}

/// Registers a gauge of a name that is known at run time.
fn register(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[(&str, &str)],
) -> Result<AnyMetric, RegisterError> {
    registry.metric(&OwnedDesc::new(Kind::Gauge, name, help)?, labels)
}

#[test]
fn what_is_too_long_at_run_time_is_refused_or_cut() {
    let registry = Bench::new().registry;
    for bytes in [MAX_NAME_BYTES + 1, 1 << 20] {
        let refused = register(&registry, &"n".repeat(bytes), "Help.", &[]).unwrap_err();
        let RegisterError::Desc(DescError::Name { name, .. }) = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!(name.len(), MAX_NAME_BYTES, "the error holds its beginning");
    }
    let _longest = register(&registry, &"n".repeat(MAX_NAME_BYTES), "Help.", &[]).unwrap();
    for bytes in [MAX_LABEL_KEY_BYTES + 1, 1 << 20] {
        let refused = register(&registry, "level", "Help.", &[(&"k".repeat(bytes), "v")]);
        let refused = refused.unwrap_err();
        assert!(refused.to_string().len() < 400, "the error holds its beginning");
        assert!(matches!(refused, RegisterError::Desc(DescError::Label { .. })), "{refused:?}");
    }
    let keys: Vec<String> = (0..=MAX_LABELS).map(|at| format!("k{at}")).collect();
    let labels: Vec<_> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    let refused = register(&registry, "level", "Help.", &labels).unwrap_err();
    let too_many = DescError::Labels { name: "level".to_owned(), labels: MAX_LABELS + 1 };
    assert_eq!(refused, RegisterError::Desc(too_many));
    let _most = register(&registry, "level", "Help.", &labels[1..]).unwrap();
}

#[test]
fn a_help_text_that_is_too_long_is_cut_inside_no_character() {
    let registry = Bench::new().registry;
    let help = |name: &str| {
        let sample = registry.read();
        let family = sample.snapshot.family(name).map(|family| family.desc.help.to_string());
        family.unwrap()
    };
    let long = format!("x{}", "é".repeat(1 << 20));
    let _held = register(&registry, "level", &long, &[]).unwrap();
    assert_eq!(help("level"), &long[..MAX_HELP_BYTES - 1]);
    let _same = register(&registry, "level", &long, &[]).unwrap();
    assert!(registry.describe("level", &format!("y{long}")));
    assert_eq!(help("level").len(), MAX_HELP_BYTES);
    let mut desc = OwnedDesc::new(Kind::Gauge, "other", "Help.").unwrap();
    desc.help = long.into();
    let refused = registry.metric(&desc, &[]).unwrap_err();
    assert!(matches!(refused, RegisterError::Desc(DescError::Help { .. })));
}

#[test]
fn names_of_our_own_metrics_are_refused_at_run_time() {
    let registry = Bench::new().registry;
    for name in ["node0_guest_failures", "node0_sample_age_seconds", "node0_anything"] {
        let refused = OwnedDesc::new(Kind::Gauge, name, "Help.").unwrap_err();
        assert!(refused.to_string().contains("`node0_` begins"), "{refused}");
    }
    let mut desc = OwnedDesc::new(Kind::Gauge, "level", "Help.").unwrap();
    desc.name = "node0_level".to_owned().into();
    let refused = registry.metric(&desc, &[]).unwrap_err();
    assert!(matches!(refused, RegisterError::Desc(DescError::Name { .. })), "{refused:?}");
    let _not_ours = register(&registry, "node0", "Help.", &[]).unwrap();
}

#[test]
fn too_many_names_are_refused() {
    let registry = Bench::with(|builder| builder.max_families(9)).registry;
    let mut held = Vec::new();
    let refused = (0..20).find_map(|i| {
        let desc = OwnedDesc::new(Kind::Gauge, &format!("g{i}"), "Help.").unwrap();
        match registry.metric(&desc, &[]) {
            Ok(metric) => {
                held.push(metric);
                None
            }
            Err(error) => Some(error),
        }
    });
    assert_eq!(refused, Some(RegisterError::TooManyFamilies { limit: 9 }));
}

#[test]
fn a_level_balances_and_is_never_negative() {
    let bench = Bench::new();
    let level = bench.registry.up_down(&LEVEL, &[]).unwrap();
    let guards = [level.enter(), level.enter()];
    assert_eq!(bench.registry.read().view().level(&level), 2);
    std::thread::scope(|scope| scope.spawn(move || drop(guards)).join().unwrap());
    level.add(-5);
    assert_eq!(bench.registry.read().view().level(&level), 0);
}

#[test]
fn a_peak_is_shown_for_a_minute() {
    let mut bench = Bench::new();
    let peak = bench.registry.peak(&PEAK, &[]).unwrap();
    peak.record(9);
    peak.record(4);
    assert_eq!(bench.registry.read().view().peak(&peak), 9);
    for _ in 0..60 {
        peak.record(2);
        assert_eq!(bench.tick().sample.view().peak(&peak), 9);
    }
    for _ in 0..2 {
        bench.tick();
    }
    assert_eq!(bench.registry.latest().view().peak(&peak), 2);
}

#[test]
fn the_sum_of_a_latency_is_exact() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    for nanos in [0, 1, 17, 1_000_003] {
        wait.record(Duration::from_nanos(nanos));
    }
    let sample = bench.registry.read();
    let total = sample.view().latency(&wait).unwrap().total();
    assert_eq!(total.count(), 4);
    assert!((total.sum() - 1_000_021e-9).abs() < 1e-15);
}

#[test]
fn the_mean_of_a_window_is_exact_however_much_was_recorded_before() {
    let mut bench = Bench::with(|builder| builder.window_samples(1));
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    (0..1_000_000).for_each(|_| wait.record(Duration::from_secs(4000)));
    bench.tick();
    wait.record(Duration::from_nanos(1000));
    wait.record(Duration::from_nanos(1001));
    let sample = bench.tick().sample;
    let window = &sample.view().latency(&wait).unwrap().window();
    assert_eq!((window.samples(), window.buckets().sum()), (2, 2001e-9));
}

#[test]
fn a_sum_of_more_than_64_bits_of_nanoseconds_is_exact() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    let (mut before, long) = (0.0, Duration::from_secs(4000));
    for ticks in 1..=5 {
        (0..1_000_000).for_each(|_| wait.record(long));
        let sample = bench.tick().sample;
        let seen = sample.view().latency(&wait).unwrap();
        assert_eq!(seen.total().sum(), before + 4e9, "after {ticks} million");
        assert_eq!(seen.window().buckets().mean(), Some(4000.0));
        before = seen.total().sum();
    }
}

#[test]
fn a_dropped_timer_records_and_a_discarded_one_does_not() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    let stopped = wait.start();
    bench.clock.advance(Duration::from_millis(5));
    assert_eq!(stopped.stop(), Duration::from_millis(5));
    drop(wait.start());
    wait.start().discard();
    assert_eq!(bench.registry.read().view().latency(&wait).unwrap().total().count(), 2);
}

#[test]
fn a_cancelled_future_is_timed() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    let mut timed = Box::pin(wait.time(std::future::pending::<()>()));
    let mut ctx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(timed.as_mut().poll(&mut ctx).is_pending());
    bench.clock.advance(Duration::from_millis(30));
    drop(timed);
    let sample = bench.registry.read();
    let max = sample.view().latency(&wait).unwrap().window().buckets().max().unwrap();
    assert!((max - 0.030).abs() < 0.0003, "{max}");
}

#[test]
fn timers_rest_while_measuring_is_off() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    bench.registry.set_measuring(Measuring::Off);
    drop(wait.start());
    bench.registry.set_measuring(Measuring::On);
    drop(wait.start());
    assert_eq!(bench.registry.read().view().latency(&wait).unwrap().total().count(), 1);
}

#[test]
fn one_exemplar_is_taken_per_bucket_and_tick() {
    let mut bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    let trace = |bench: &Bench| -> Vec<u128> {
        let sample = bench.registry.read();
        let held = &sample.view().latency(&wait).unwrap().exemplars();
        held.iter().map(|exemplar| exemplar.trace.get()).collect()
    };
    wait.record_traced(Duration::from_millis(2), TraceId::new(1));
    wait.record_traced(Duration::from_millis(2), TraceId::new(2));
    wait.record_traced(Duration::from_secs(99), TraceId::new(3));
    assert_eq!(trace(&bench), [1, 3]);
    bench.tick();
    wait.record_traced(Duration::from_millis(2), TraceId::new(4));
    assert_eq!(trace(&bench), [4, 3]);
}

#[test]
fn disabled_handles_do_nothing() {
    Counter::disabled().inc();
    Gauge::disabled().set(1.0);
    UpDown::disabled().add(1);
    Peak::disabled().record(1);
    Latency::disabled().record(Duration::from_secs(1));
    Distribution::disabled().record(1.0);
    drop(Latency::disabled().start());
    let view = Registry::builder().build().read();
    assert_eq!(view.view().counter(&Counter::disabled()), 0);
    assert!(view.view().latency(&Latency::disabled()).is_none());
    assert!(Gauge::disabled().value().is_nan());
}

#[test]
fn a_gauge_holds_what_was_set() {
    let registry = Bench::new().registry;
    let value = registry.gauge(&VALUE, &[]).unwrap();
    assert_eq!(registry.read().view().gauge(&value), Some(0.0));
    value.set(1.5);
    value.add(-2.0);
    assert_eq!(registry.read().view().gauge(&value), Some(-0.5));
}
