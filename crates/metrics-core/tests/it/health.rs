use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use metrics_core::{
    Assessment, COMPONENT_HEALTH_SCORE, HEALTH_SCORE, Issue, Monitor, RegisterError, Report,
    ReportError, Severity, Status, Topic, UnknownTarget, View,
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

    fn assess(&self, _: &View<'_>) -> Assessment {
        let penalty = self.0.load(Ordering::Relaxed);
        assert_ne!(penalty, 255, "told to");
        let issue = Issue {
            code: "told",
            severity: Severity::Warning,
            component: "probe".into(),
            observed: f64::from(penalty),
            threshold: 0.0,
            message: "it was told so".into(),
        };
        match penalty {
            0 => Assessment::healthy("fine"),
            _ => Assessment::healthy("fine").with(penalty, issue, "tell it otherwise"),
        }
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        assert_ne!(target, Some("bomb"), "told to");
        match target {
            None | Some("a") => Ok(Report::new(view.health(&TOPIC).cloned())),
            Some(other) => {
                Err(UnknownTarget { target: other.to_owned(), known: vec!["a".to_owned()] })
            }
        }
    }
}

fn told() -> (Bench, Told) {
    let (bench, told) = (Bench::new(), Told::default());
    bench.registry.monitor(Arc::new(told.clone())).expect("the topic is new");
    (bench, told)
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
fn a_status_changes_when_it_lasts_for_two_ticks() {
    let (mut bench, told) = told();
    assert!(bench.tick().changes.is_empty());
    told.0.store(60, Ordering::Relaxed);
    assert!(bench.tick().changes.is_empty());
    let changes = bench.tick().changes;
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
    assert!(matches!(panicked, ReportError::Panicked { .. }));
}

#[test]
fn the_second_ticker_is_refused_until_the_first_is_dropped() {
    let Bench { registry, ticker, .. } = Bench::new();
    assert!(registry.ticker().is_err());
    drop(ticker);
    assert!(registry.ticker().is_ok());
}
