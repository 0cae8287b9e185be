use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use node0_metrics_core::{
    COMPONENT_HEALTH_SCORE, Event, FINDINGS, Finding, FindingState, GuestError, HEALTH_SCORE,
    HealthChange, Judgement, Monitor, RegisterError, RegistryBuilder, Report, ReportError,
    SAMPLE_AGE, Sample, Status, Tick, Topic, UnknownTarget, Value, View,
};

use crate::Bench;

static TOPIC: Topic = Topic::new("probe", "probe").target("part");

/// Loses as many points as it is told; 255 panics.
#[derive(Clone, Default)]
struct Told(Arc<AtomicU8>);

impl Monitor for Told {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        let penalty = self.0.load(Ordering::Relaxed);
        assert_ne!(penalty, 255, "told to");
        let told = Finding::warning("told").penalty(penalty).message("it was told so");
        Judgement::healthy("fine").with_all((penalty > 0).then_some(told))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        assert_ne!(target, Some("bomb"), "told to");
        match target {
            None | Some("a") => Ok(Report::new(
                [("points", view.component_health(&TOPIC, "probe").score)]
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
            )),
            Some(other) => {
                Err(UnknownTarget { target: other.to_owned(), known: vec!["a".to_owned()] })
            }
        }
    }
}

fn told() -> (Bench, Told) {
    // As long as a busy machine takes to report a panic: a late one would count as hung.
    let patient = |builder: RegistryBuilder| {
        builder.guest_timeout(Duration::from_secs(60)).report_timeout(Duration::from_secs(60))
    };
    let (bench, told) = (Bench::with(patient), Told::default());
    bench.registry.monitor(Arc::new(told.clone())).expect("the topic is new");
    (bench, told)
}

fn changes(tick: &Tick) -> Vec<HealthChange> {
    let changes = tick.events.iter().filter_map(|event| match event {
        Event::Health(change) => Some(change.clone()),
        _ => None,
    });
    changes.collect()
}

#[test]
fn findings_are_raised_once_and_cleared_once() {
    let (mut bench, told) = told();
    let mut findings = |penalty| {
        told.0.store(penalty, Ordering::Relaxed);
        let tick = bench.tick();
        let found = tick.events.into_iter().filter_map(|event| match event {
            Event::Finding(change) => {
                assert_eq!((change.topic.name, &*change.finding.component), ("probe", "probe"));
                Some((change.state, change.finding.code, change.finding.penalty, change.since))
            }
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(findings(0), []);
    let raised = findings(20);
    let [(FindingState::Raised, "told", 20, since)] = raised[..] else { panic!("{raised:?}") };
    assert_eq!(findings(30), [], "it goes on");
    assert_eq!(findings(0), [(FindingState::Cleared, "told", 30, since)], "as it was found last");
    assert_eq!(findings(0), []);
}

#[test]
fn a_report_has_the_believed_health_in_its_envelope() {
    let (mut bench, told) = told();
    bench.tick();
    told.0.store(60, Ordering::Relaxed);
    let health = |bench: &mut Bench| {
        let report = bench.tick().sample.report("probe", None).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["timestamp"].is_u64());
        (json["health"]["status"].clone(), json["health"]["score"].clone())
    };
    assert_eq!(health(&mut bench), ("healthy".into(), 100.into()), "not believed yet");
    assert_eq!(health(&mut bench), ("unhealthy".into(), 40.into()));
}

#[test]
fn a_report_before_the_first_tick_has_a_judgement_of_its_own() {
    let (bench, told) = told();
    told.0.store(60, Ordering::Relaxed);
    let report = bench.registry.read().report("probe", None).unwrap();
    assert_eq!(report.health.score, Some(40));
}

struct Named(&'static Topic);

impl Monitor for Named {
    fn topic(&self) -> &'static Topic {
        self.0
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

#[test]
fn two_topics_cannot_have_one_check_key() {
    static ONE: Topic = Topic::new("one", "same");
    static TWO: Topic = Topic::new("two", "same");
    let registry = Bench::new().registry;
    registry.monitor(Arc::new(Named(&ONE))).unwrap();
    let refused = registry.monitor(Arc::new(Named(&TWO)));
    assert_eq!(refused, Err(RegisterError::DuplicateCheckKey { key: "same", topic: "one" }));
}

#[test]
fn a_topic_whose_name_cannot_be_served_is_refused() {
    for topic in [
        const { &Topic::new("stream", "s") },
        const { &Topic::new("history", "h") },
        const { &Topic::new("export.json", "e") },
        const { &Topic::new("Upper", "u") },
        const { &Topic::new("two/parts", "p") },
        const { &Topic::new("", "none") },
    ] {
        let refused = Bench::new().registry.monitor(Arc::new(Named(topic)));
        assert!(
            matches!(refused, Err(RegisterError::TopicName { topic: name, .. }) if name == topic.name)
        );
    }
}

#[test]
fn scores_stand_in_the_sample_that_they_were_judged_from() {
    let (mut bench, told) = told();
    told.0.store(60, Ordering::Relaxed);
    let sample = bench.tick().sample;
    let component = sample.snapshot.value(COMPONENT_HEALTH_SCORE.name(), &[("component", "probe")]);
    assert_eq!(component.unwrap().as_f64(), 40.0);
    assert_eq!(sample.snapshot.value(HEALTH_SCORE.name(), &[]).unwrap().as_f64(), 40.0);
    assert_eq!(sample.overall().status, Status::Unhealthy);
}

#[test]
fn a_published_finding_has_a_series_while_it_lasts() {
    let (mut bench, told) = told();
    let mut series = |penalty| {
        told.0.store(penalty, Ordering::Relaxed);
        bench.tick();
        let sample = bench.registry.read();
        let labels = [("topic", "probe"), ("code", "told"), ("component", "probe")];
        let labels = labels.into_iter().chain([("severity", "warning")]).collect::<Vec<_>>();
        sample.snapshot.value(FINDINGS.name(), &labels).map(|value| value.as_f64())
    };
    assert_eq!(series(0), None);
    assert_eq!([series(10), series(10)], [Some(1.0); 2]);
    assert_eq!([series(0), series(0)], [Some(0.0), None], "it ends with one more value");
    assert_eq!(series(60), None, "the status is not believed yet");
    assert_eq!(series(60), Some(1.0));
    assert_eq!([series(0), series(0)], [Some(1.0), Some(0.0)], "nor is its end");
    assert_eq!([series(60), series(60)], [None, Some(1.0)], "it comes back");
}

#[test]
fn a_status_changes_when_it_lasts_for_two_ticks() {
    let (mut bench, told) = told();
    assert!(changes(&bench.tick()).is_empty());
    told.0.store(60, Ordering::Relaxed);
    assert!(changes(&bench.tick()).is_empty());
    let changes = changes(&bench.tick());
    assert_eq!((changes[0].from, changes[0].to), (Status::Healthy, Status::Unhealthy));
    assert_eq!(changes[0].summary, "it was told so");
}

#[test]
fn a_judge_that_panics_is_unknown() {
    let (mut bench, told) = told();
    told.0.store(255, Ordering::Relaxed);
    let sample = bench.tick().sample;
    assert_eq!(sample.topics[0].assessment.status, Status::Unknown);
    assert!(sample.snapshot.value(HEALTH_SCORE.name(), &[]).unwrap().as_f64().is_nan());
}

#[test]
fn a_topic_has_one_monitor() {
    let (bench, told) = told();
    let refused = bench.registry.monitor(Arc::new(told));
    assert_eq!(refused, Err(RegisterError::DuplicateTopic { topic: "probe" }));
}

#[test]
fn a_report_that_cannot_be_made_says_why() {
    let (bench, _told) = told();
    let sample = bench.registry.read();
    assert!(sample.report("probe", Some("a")).is_ok());
    let unknown = sample.report("nothing", None).unwrap_err();
    assert!(matches!(unknown, ReportError::UnknownTopic { ref known, .. } if known == &["probe"]));
    let target = sample.report("probe", Some("b")).unwrap_err();
    assert!(
        matches!(target, ReportError::UnknownTarget { ref source, .. } if source.known == ["a"])
    );
    let panicked = sample.report("probe", Some("bomb")).unwrap_err();
    assert!(matches!(panicked, ReportError::Failed { reason: GuestError::Panicked, .. }));
}

#[test]
fn the_second_ticker_is_refused_until_the_first_is_dropped() {
    let Bench { registry, ticker, .. } = Bench::new();
    assert!(registry.ticker().is_err());
    drop(ticker);
    assert!(registry.ticker().is_ok());
}

#[test]
fn a_floor_holds_for_a_finding_about_missing_instances_too() {
    let none: [(String, Judgement); 0] = [];
    let finding = Finding::critical("no_instance").penalty(90);
    let judgement = Judgement::of_instances("none", none).at_least(70).with(finding);
    assert_eq!(judgement.assess().score, Some(70));
}

#[test]
fn health_that_nothing_judges_any_more_is_unknown_until_the_next_tick() {
    let (mut bench, _told) = told();
    bench.tick();
    let score = |sample: &Sample, name, labels: &[_]| {
        sample.snapshot.value(name, labels).map_or(-1.0, Value::as_f64)
    };
    // The status, the overall status, that of the report, the two scores, and the age.
    let shown = |sample: &Arc<Sample>| {
        let report = sample.report("probe", None).expect("it reports").health;
        let statuses = [sample.topics[0].assessment.status, sample.overall().status, report.status];
        let scores = [
            score(sample, HEALTH_SCORE.name(), &[]),
            score(sample, COMPONENT_HEALTH_SCORE.name(), &[("component", "probe")]),
        ];
        assert!(statuses.iter().all(|status| *status == statuses[0]), "{statuses:?}");
        (statuses[0], scores, score(sample, SAMPLE_AGE.name(), &[]))
    };
    let healthy = |age| (Status::Healthy, [100.0, 100.0], age);
    assert_eq!(shown(&bench.registry.read()), healthy(0.0));
    bench.clock.advance(Duration::from_secs(3));
    assert_eq!(shown(&bench.registry.read()), healthy(3.0), "three ticks may be a busy machine");
    assert_eq!(shown(&bench.registry.latest()), healthy(0.0), "it is the sample of the tick");

    bench.clock.advance(Duration::from_millis(1));
    for sample in [bench.registry.read(), bench.registry.latest(), bench.registry.latest()] {
        let (status, scores, _) = shown(&sample);
        assert_eq!(status, Status::Unknown);
        assert!(scores.iter().all(|score| score.is_nan()), "{scores:?}");
        assert!(sample.topics[0].assessment.summary.contains("stands still"));
        assert!(bench.registry.is_stale(&sample));
    }
    assert_eq!(score(&bench.registry.read(), SAMPLE_AGE.name(), &[]), 3.001);

    // As after a process was stopped for a while: the first tick mends it, and tells no change.
    bench.clock.advance(Duration::from_secs(3600));
    let tick = bench.ticker.tick();
    assert!(changes(&tick).is_empty(), "{:?}", tick.events);
    assert_eq!(shown(&tick.sample), healthy(0.0));
    assert_eq!(shown(&bench.registry.read()), healthy(0.0));
    assert!(!bench.registry.is_stale(&bench.registry.latest()));
}
