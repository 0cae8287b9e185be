use node0_metrics_core::{
    ByLabel, Counter, Desc, Distribution, Gauge, LabelSet, Late, Latency, Peak, RegisterError,
    Unit, UpDown, descs, instruments, label_set, levels,
};
use std::time::Duration;

use crate::Bench;

label_set! {
    /// The end of a job.
    #[derive(serde::Serialize)]
    pub(crate) enum End {
        /// With a result.
        Done = "done",
        /// With an error.
        #[serde(rename = "FAILED")]
        Failed = "failed",
        /// With nobody to wait for it.
        GivenUp = "given_up",
    }
}

descs! {
    /// Jobs by their end.
    const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["queue", "end"]);
    const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["queue", "end"]);
    const SIZE: Desc =
        Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3]).labels(&["queue"]);
    const DEPTH: Desc = Desc::up_down("depth", "Jobs that wait.").labels(&["queue"]);
    const PEAK: Desc = Desc::peak("depth_peak", "Most jobs that waited.").labels(&["queue"]);
    const BUSY: Desc = Desc::total("busy_seconds_total", "Time at work.").labels(&["queue"]);
    const AGE: Desc = Desc::gauge("age_seconds", "Age of the oldest job.").labels(&["queue"]);
    const WORKERS: Desc = Desc::gauge("workers", "Workers by state.").labels(&["queue", "state"]);
}

instruments! {
    struct QueueCells, read as QueueReading {
        jobs: ByLabel<End, Counter> = JOBS,
        waits: ByLabel<End, Latency> = WAIT,
        sizes: Distribution = SIZE,
        depth: UpDown = DEPTH,
        peak: Peak = PEAK,
        busy: Gauge = BUSY,
        age: Gauge = AGE,
    }
}

instruments! {
    struct LateCells, read as LateReading {
        jobs: ByLabel<End, Late<Counter>> = JOBS,
        waits: ByLabel<End, Late<Latency>> = WAIT,
    }
}

levels! {
    /// The workers of a queue.
    #[derive(Eq)]
    struct Workers of u64, shown by WorkerGauges {
        idle = WORKERS ["idle"],
        busy = WORKERS ["busy"],
    }
}

#[test]
fn a_label_set_is_its_labels_in_order() {
    let labels = End::ALL.map(End::label);
    assert_eq!(labels, ["done", "failed", "given_up"]);
    let indices: Vec<_> = End::ALL.iter().map(|end| end.index()).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_eq!(End::ALL.map(|end| End::from_label(end.label())), End::ALL.map(Some));
    assert_eq!(End::from_label("other"), None);
    assert_eq!(serde_json::to_string(&End::ALL[1]).expect("it is text"), "\"FAILED\"");
}

#[test]
fn an_array_by_label_is_indexed_mapped_and_compared() {
    let mut numbers = ByLabel::<End, u32>::from_fn(|end| end.index() as u32);
    numbers[End::Failed] += 10;
    let copy = numbers;
    assert_eq!(copy, numbers);
    assert_eq!(
        numbers.iter().collect::<Vec<_>>(),
        [(End::Done, &0), (End::Failed, &11), (End::GivenUp, &2)]
    );
    assert_eq!(numbers.map(|n| n.to_string())[End::GivenUp].clone(), "2");
    assert_eq!(format!("{numbers:?}"), r#"{"done": 0, "failed": 11, "given_up": 2}"#);
    let stopped = ByLabel::<End, ()>::try_from_fn(|end| match end {
        End::Done => Ok(()),
        other => Err(other),
    });
    assert_eq!(stopped, Err(End::Failed), "at the first error");
}

/// The cells of a queue, with something in each of them.
fn recorded(bench: &Bench) -> QueueCells {
    let cells = QueueCells::register(&bench.registry, &["mails"]).expect("they are right");
    cells.jobs[End::Done].add(3);
    cells.waits[End::GivenUp].record(Duration::from_millis(4));
    cells.sizes.record(512.0);
    cells.depth.add(2);
    cells.peak.record(7);
    cells.busy.set(1.5);
    cells.age.set(f64::NAN);
    cells
}

#[test]
fn each_kind_of_instrument_is_registered_and_read() {
    let mut bench = Bench::new();
    let cells = recorded(&bench);
    let sample = bench.tick().sample;
    let reading = cells.read(&sample.view());
    let jobs = &reading.jobs;
    assert_eq!((jobs[End::Done].recent, jobs[End::Failed].total), (3, 0));
    let waits = reading.waits.map(|wait| wait.map(|wait| wait.count()));
    assert_eq!((waits[End::Done], waits[End::GivenUp]), (Some(0), Some(1)));
    assert_eq!(reading.sizes.map(|sizes| sizes.sum()), Some(512.0));
    assert_eq!((reading.depth, reading.peak), (2, 7));
    assert_eq!((reading.busy, reading.age), (Some(1.5), None), "NaN is unknown");
    let labels = [("queue", "mails"), ("end", "given_up")];
    assert!(sample.snapshot.value("wait_seconds", &labels).is_some());
}

#[test]
fn instruments_are_found_by_their_labels_as_they_are_read_by_their_handles() {
    let mut bench = Bench::new();
    let cells = recorded(&bench);
    let sample = bench.tick().sample;
    let view = sample.view();
    let read = format!("{:?}", cells.read(&view));
    assert_eq!(format!("{:?}", QueueCells::find(&view, &["mails"])), read);
    let none = QueueCells::find(&view, &["others"]);
    assert_eq!((none.jobs[End::Done].total, none.depth, none.busy), (0, 0, None));
    assert!(none.waits.values().all(Option::is_none));
}

#[test]
fn late_instruments_exist_from_their_first_use() {
    let bench = Bench::new();
    let cells = LateCells::register(&bench.registry, &["mails"]).expect("they are right");
    let families = || bench.registry.read().snapshot.family("jobs_total").map(|f| f.ids().len());
    assert_eq!(families(), None);
    cells.jobs[End::Failed].add(2);
    cells.jobs[End::Done].show();
    cells.waits[End::Done].record(Duration::from_millis(1));
    assert_eq!(families(), Some(2));

    let sample = bench.registry.read();
    let view = sample.view();
    for reading in [cells.read(&view), LateCells::find(&view, &["mails"])] {
        let jobs = reading.jobs.map(|jobs| jobs.map(|jobs| jobs.total));
        let wanted = [(End::Done, &Some(0)), (End::Failed, &Some(2)), (End::GivenUp, &None)];
        assert_eq!(jobs.iter().collect::<Vec<_>>(), wanted);
        let waits = reading.waits.map(|wait| wait.map(|wait| wait.count()));
        assert_eq!((waits[End::Done], waits[End::Failed]), (Some(1), None));
    }
    let same = cells.clone();
    same.jobs[End::Failed].inc();
    let failed = bench.registry.read().view().read(&cells.jobs)[End::Failed];
    assert_eq!(failed.map(|failed| failed.total), Some(3), "a clone has the same series");
}

#[test]
fn a_late_instrument_is_refused_before_its_first_use() {
    let registry = Bench::new().registry;
    let kind = registry.instrument::<Late<Latency>>(&JOBS, &["mails", "done"]);
    assert!(matches!(kind, Err(RegisterError::Kind { .. })), "{kind:?}");
    let label = registry.instrument::<Late<Counter>>(&JOBS, &["mails"]);
    assert!(matches!(label, Err(RegisterError::LabelCount { got: 1, .. })), "{label:?}");
}

#[test]
fn a_sample_from_before_shows_nothing_of_an_instrument() {
    let bench = Bench::new();
    let before = bench.registry.read();
    let cells = QueueCells::register(&bench.registry, &["mails"]).expect("they are right");
    let reading = cells.read(&before.view());
    assert!(reading.jobs.values().all(|count| count.total == 0));
    assert!(reading.waits.values().all(Option::is_none));
    assert_eq!((reading.depth, reading.age), (0, None));
}

#[test]
fn an_instrument_of_another_kind_or_without_its_label_is_refused() {
    let registry = Bench::new().registry;
    let kind = registry.instrument::<ByLabel<End, Latency>>(&JOBS, &["mails"]);
    assert!(matches!(kind, Err(RegisterError::Kind { .. })), "{kind:?}");
    let label = registry.instrument::<ByLabel<End, Counter>>(&JOBS, &["mails", "done"]);
    assert!(matches!(label, Err(RegisterError::LabelCount { got: 3, .. })), "{label:?}");
}

#[test]
fn levels_appear_when_they_are_known_and_are_nan_when_they_no_longer_are() {
    let bench = Bench::new();
    let mut gauges = WorkerGauges::default();
    let shown = |state| {
        let sample = bench.registry.read();
        let labels = [("queue", "mails"), ("state", state)];
        sample.snapshot.value("workers", &labels).map(|value| value.as_f64())
    };
    let mut learn = |idle, busy| {
        let levels = Workers { idle, busy };
        gauges.learn(&bench.registry, &["mails"], &levels).expect("they are right");
        assert_eq!(gauges.read(&bench.registry.read().view()), levels);
    };
    learn(None, Some(2));
    assert_eq!((shown("idle"), shown("busy")), (None, Some(2.0)));
    learn(Some(1), None);
    assert_eq!(shown("idle"), Some(1.0));
    assert!(shown("busy").is_some_and(f64::is_nan));
    gauges.set(&Workers { idle: Some(4), busy: Some(5) });
    assert_eq!((shown("idle"), shown("busy")), (Some(4.0), Some(5.0)));
}

#[test]
fn every_description_is_in_the_list() {
    assert_eq!(DESCS.len(), 8);
    assert_eq!((DESCS[0].name(), DESCS[7].name()), ("jobs_total", "workers"));
}
