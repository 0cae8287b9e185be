//! Deliveries to a real Alertmanager, which notifies a webhook of the test.

use std::time::Duration;

use node0_aggregator::Aggregator;
use node0_alerting::{Alerts, Metric, Rule};
use node0_metrics_core::{Desc, Gauge, ManualClock, Registry, Ticker, Timestamp};
use node0_notifier::{Notifier, Target};
use serde_json::{Value, json};
use testbed::Deadline;
use testbed::alertmanager::Alertmanager;
use testbed::deadline::pause;
use testbed::http::Request;
use testbed::prove::Length;

use crate::receiver::{Answer, Receiver};
use crate::source::quick;

const LEVEL: Desc = Desc::gauge("level", "A level that a test sets.").labels(&["tank"]);

fn high() -> Rule {
    Rule::new("High", Metric::new("level").by(["tank"]).above(10.0)).summary("{tank} is high")
}

fn target(manager: &Alertmanager) -> Target {
    Target::alertmanager(&format!("http://{}", manager.address())).expect("a good address")
}

/// Two tanks under a manual clock whose wall time is the real one.
struct Tanks {
    clock: ManualClock,
    ticker: Ticker,
    a: Gauge,
    b: Gauge,
    registry: Registry,
    _notifier: Notifier,
}

impl Tanks {
    fn new(manager: &Alertmanager) -> Self {
        let clock = ManualClock::new();
        clock.set_wall(Registry::new().clock().wall());
        let registry =
            Registry::builder().clock(clock.clock()).guest_timeout(Duration::from_secs(60)).build();
        Alerts::builder()
            .rules([high()])
            .label("service", "shop")
            .register(&registry)
            .expect("good");
        let notifier = quick().target(target(manager)).start(&registry).expect("it starts");
        let [a, b] = ["a", "b"].map(|tank| registry.gauge(&LEVEL, &[tank]).expect("it is new"));
        let ticker = registry.ticker().expect("nobody else ticks");
        Self { clock, ticker, a, b, registry, _notifier: notifier }
    }

    /// Lets seconds pass, in ticks of one.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            self.ticker.tick();
        }
    }

    fn count(&self, outcome: &str) -> f64 {
        let labels = [("target", "alertmanager-1"), ("outcome", outcome)];
        let sample = self.registry.read();
        let value = sample.snapshot.value("node0_notifications_total", &labels);
        value.map_or(0.0, node0_metrics_core::Value::as_f64)
    }
}

/// Returns the labels and the start of each alert, sorted by tank.
fn listed(manager: &Alertmanager) -> Vec<(Value, Value)> {
    let mut alerts = manager.alerts();
    alerts.sort_by_key(|alert| alert["labels"]["tank"].to_string());
    alerts.into_iter().map(|alert| (alert["labels"].clone(), alert["startsAt"].clone())).collect()
}

#[test]
fn it_lists_the_labels_and_the_start_also_after_it_was_killed() {
    let tool = testbed::require!(testbed::tools::alertmanager());
    let webhook = Receiver::new([]);
    let mut manager = Alertmanager::start(&tool, &webhook.url("/")).expect("it starts");
    let mut tanks = Tanks::new(&manager);
    tanks.a.set(11.0);
    tanks.b.set(11.0);
    tanks.pass(1);
    let start = node0_alerting::rfc3339(tanks.clock.clock().wall());
    let alert = |tank: &str| {
        let labels = json!({
            "alertname": "High", "severity": "warning", "service": "shop", "tank": tank,
        });
        (labels, json!(start))
    };
    let lists = |manager: &Alertmanager, expected: &[(Value, Value)]| {
        let is_listed = Deadline::seconds(20).until(|| listed(manager) == expected);
        assert!(is_listed, "{:?}", manager.alerts());
    };
    lists(&manager, &[alert("a"), alert("b")]);

    manager.kill().expect("it ends");
    tanks.b.set(0.0);
    // The end of `b` and a repetition of `a` find nobody.
    tanks.pass(61);
    assert!(Deadline::seconds(20).until(|| tanks.count("failed") >= 2.0));
    assert!(manager.alerts().is_empty());
    pause(Length::of_this_run().pick(Duration::ZERO, Duration::from_secs(60)));

    manager.restart().expect("it starts");
    let before = tanks.count("delivered");
    tanks.pass(60);
    assert!(Deadline::seconds(20).until(|| tanks.count("delivered") > before));
    lists(&manager, &[alert("a")]);
}

#[test]
fn it_takes_alerts_and_their_end_also_after_the_clock_was_set_back() {
    let tool = testbed::require!(testbed::tools::alertmanager());
    let webhook = Receiver::new([]);
    let manager = Alertmanager::start(&tool, &webhook.url("/")).expect("it starts");
    let mut tanks = Tanks::new(&manager);
    // The clock is an hour ahead, until somebody sees it. The minutes of the test are over in no time,
    // so they lie before the present of Alertmanager.
    let now = tanks.clock.clock().wall().as_millis();
    let right = Timestamp::from_millis(now - 120_000);
    tanks.clock.set_wall(Timestamp::from_millis(now + 3_600_000));
    tanks.a.set(11.0);
    tanks.pass(1);
    assert!(Deadline::seconds(20).until(|| manager.alerts().len() == 1), "it is told");
    tanks.clock.set_wall(right);
    tanks.pass(60);
    assert!(Deadline::seconds(20).until(|| tanks.count("delivered") >= 2.0));
    assert_eq!(tanks.count("refused"), 0.0);
    tanks.a.set(0.0);
    tanks.pass(1);
    let has_ended = || manager.alerts().is_empty();
    assert!(Deadline::seconds(20).until(has_ended), "{:?}", manager.alerts());
}

#[test]
fn a_steady_alert_does_not_flap_though_every_fifth_delivery_is_refused() {
    let tool = testbed::require!(testbed::tools::alertmanager());
    let webhook = Receiver::new([]);
    let manager = Alertmanager::start(&tool, &webhook.url("/")).expect("it starts");
    let (address, mut deliveries) = (manager.address(), 0);
    let between = Receiver::answering(move |got| {
        deliveries += 1;
        if deliveries % 5 == 0 {
            return Answer::Status(503);
        }
        let answer = Request::new("POST", "/api/v2/alerts").json(&got.body).send(address);
        Answer::Status(answer.map_or(502, |answer| answer.status))
    });
    let registry = Registry::new();
    let level = registry.gauge(&LEVEL, &["a"]).expect("it is new");
    level.set(11.0);
    // Repeated each second, an alert expires after four; by default it is each minute.
    let (resend, steady) = Length::of_this_run().pick((1, 20), (60, 600));
    let alerts = Alerts::builder().rules([high()]).resend_after(Duration::from_secs(resend));
    alerts.register(&registry).expect("the rule is good");
    let to_between = Target::alertmanager(&between.url("")).expect("a good address");
    let _notifier = quick().target(to_between).start(&registry).expect("it starts");
    let _sampling = Aggregator::start(&registry).expect("it starts");
    let first = webhook.next();
    assert_eq!(first.body["status"], "firing");
    pause(Duration::from_secs(steady));
    assert!(webhook.try_next().is_none(), "nothing has changed");
    level.set(0.0);
    assert_eq!(webhook.next().body["status"], "resolved");
}
