//! Alerts about findings of monitors, also of a user's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_alerting::{Alerts, Findings, Rule};
use node0_metrics_core::AlertCause::{Fired, Resolved};
use node0_metrics_core::{
    Alert, AlertState, Finding, Judgement, ManualClock, Monitor, Registry, Report, Severity,
    Ticker, Topic, UnknownTarget, View,
};

static TOPIC: Topic = Topic::new("queue", "queue");

/// A monitor that says what the test tells it to.
struct Scripted(Arc<Mutex<Judgement>>);

impl Monitor for Scripted {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.0.lock().expect("no test panics here").clone()
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

struct Queue {
    clock: ManualClock,
    ticker: Ticker,
    alerts: Alerts,
    judgement: Arc<Mutex<Judgement>>,
}

impl Queue {
    fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder()
            .clock(clock.clock())
            .guest_timeout(Duration::from_secs(60))
            .hysteresis(1)
            .min_status_duration(Duration::ZERO)
            .build();
        let judgement = Arc::new(Mutex::new(Judgement::healthy("fine")));
        registry.monitor(Arc::new(Scripted(judgement.clone()))).expect("the topic is free");
        let alerts = Alerts::builder().rules(rules).register(&registry).expect("they are good");
        let ticker = registry.ticker().expect("nobody else ticks");
        Self { clock, ticker, alerts, judgement }
    }

    /// Lets the monitor judge, and returns the news as (cause, message).
    fn judge(&mut self, judgement: Judgement) -> Vec<(node0_metrics_core::AlertCause, String)> {
        *self.judgement.lock().expect("no test panics here") = judgement;
        self.clock.advance(Duration::from_secs(1));
        let events = self.ticker.tick().events;
        let news = events.into_iter().filter_map(|event| match event {
            node0_metrics_core::Event::Alert(change) => {
                Some((change.cause, change.alert.message.clone()))
            }
            _ => None,
        });
        news.collect()
    }
}

fn deep() -> Judgement {
    Judgement::healthy("fine").with(
        Finding::critical("queue_deep")
            .component("mails")
            .beyond(120.0, 100.0)
            .message("mails is deep")
            .advice("add workers"),
    )
}

#[test]
fn a_finding_of_any_monitor_is_an_alert_with_its_words() {
    let mut queue = Queue::new([Rule::new("MonitorFinding", Findings::any())]);
    assert_eq!(queue.judge(deep()), [(Fired, "mails is deep".to_owned())]);
    let alert = queue.alerts.overview().active[0].clone();
    assert_eq!((alert.topic.as_str(), alert.component.as_str()), ("queue", "mails"));
    assert_eq!((alert.value, alert.threshold), (120.0, 100.0));
    assert_eq!((alert.severity, alert.remedy.as_str()), (Severity::Critical, "add workers"));
    let labels: Vec<_> = alert.labels.iter().collect();
    let expected = [
        ("alertname", "MonitorFinding"),
        ("code", "queue_deep"),
        ("component", "mails"),
        ("severity", "critical"),
        ("topic", "queue"),
    ];
    assert_eq!(labels, expected);
    let resolved = queue.judge(Judgement::healthy("fine"));
    assert_eq!(resolved, [(Resolved, "mails is deep".to_owned())]);
}

#[test]
fn a_monitor_that_knows_nothing_resolves_nothing() {
    let mut queue = Queue::new([Rule::new("MonitorFinding", Findings::any())]);
    queue.judge(deep());
    assert_eq!(queue.judge(Judgement::unknown("no data")), []);
    assert_eq!(queue.judge(deep()), []);
}

#[test]
fn findings_are_selected_by_topic_code_component_and_severity() {
    let mut component = Findings::any();
    component.component = Some("mails".into());
    let mut critical = Findings::any();
    critical.min_severity = Severity::Critical;
    let check = |findings: Findings, fires: bool| {
        let mut queue = Queue::new([Rule::new("R", findings.clone())]);
        assert_eq!(!queue.judge(deep()).is_empty(), fires, "{findings:?}");
    };
    check(Findings::new("queue", "queue_deep"), true);
    check(Findings::new("queue", "queue_full"), false);
    check(Findings::new("cache", "queue_deep"), false);
    check(component, true);
    check(critical, true);
}

#[test]
fn a_finding_that_another_rule_is_about_is_no_alert_of_its_own() {
    let covering = Rule::new("Deep", Findings::new("queue", "queue_deep")).summary("covered");
    let any = Rule::new("MonitorFinding", Findings::any());
    let mut queue = Queue::new([covering.clone(), any.clone()]);
    assert_eq!(queue.judge(deep()), [(Fired, "covered".to_owned())]);
    let mut queue = Queue::new([covering.disabled(), any]);
    assert_eq!(queue.judge(deep()), [], "who switches a rule off wants no alert about it");
}

fn warning() -> Judgement {
    let finding = Finding::warning("queue_deep").component("mails").message("mails is deep");
    Judgement::healthy("fine").with(finding)
}

/// Returns the severity of each alert that fires.
fn severities(queue: &Queue) -> Vec<Severity> {
    let overview = queue.alerts.overview();
    let severity = |alert: &Arc<Alert>| {
        assert_eq!(alert.labels.get("severity"), Some(alert.severity.word()));
        alert.severity
    };
    let firing = overview.active.iter().filter(|alert| alert.state == AlertState::Firing);
    firing.map(severity).collect()
}

#[test]
fn a_finding_that_grows_worse_is_a_critical_alert_at_once() {
    let rule = Rule::new("MonitorFinding", Findings::any()).lasting(Duration::from_secs(3));
    let mut queue = Queue::new([rule]);
    for _ in 0..4 {
        queue.judge(warning());
    }
    assert_eq!(severities(&queue), [Severity::Warning]);
    let news = queue.judge(deep());
    assert_eq!(severities(&queue), [Severity::Critical]);
    let causes: Vec<_> = news.iter().map(|(cause, _)| *cause).collect();
    assert_eq!(causes.len(), 2, "receivers hear of both: {news:?}");
    assert!(causes.contains(&Fired) && causes.contains(&Resolved), "{news:?}");
    queue.judge(warning());
    assert_eq!(severities(&queue).last(), Some(&Severity::Warning));
    // The warning has come back within an hour, so its end waits for as long as its `for`.
    for _ in 0..4 {
        queue.judge(Judgement::healthy("fine"));
    }
    assert_eq!(severities(&queue), []);
}

#[test]
fn a_finding_whose_severity_changes_while_it_is_pending_has_lasted_since_its_start() {
    let rule = Rule::new("MonitorFinding", Findings::any()).lasting(Duration::from_secs(3));
    let mut queue = Queue::new([rule]);
    for judgement in [warning(), deep(), warning()] {
        queue.judge(judgement);
        assert_eq!(severities(&queue), []);
    }
    queue.judge(deep());
    assert_eq!(severities(&queue), [Severity::Critical]);
    assert_eq!(queue.alerts.overview().active.len(), 1, "there is one finding");
}

#[test]
fn a_rule_with_a_severity_of_its_own_has_one_alert_for_a_finding() {
    let rule = Rule::new("Deep", Findings::any()).severity(Severity::Warning);
    let mut queue = Queue::new([rule]);
    queue.judge(warning());
    assert_eq!(queue.judge(deep()), [], "it is the same alert");
    assert_eq!(severities(&queue), [Severity::Warning]);
}
