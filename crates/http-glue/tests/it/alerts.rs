//! The endpoints of alerts.

use std::time::Duration;

use node0_alerting::{Alerts, Matcher, Metric, Rule};
use node0_http_glue::AlertPages;
use node0_metrics_core::{Desc, Gauge, ManualClock, Registry, Severity, Ticker};
use serde_json::{Value, json};

use crate::support::Served;

const LEVEL: Desc = Desc::gauge("level", "A level that a test sets.").labels(&["tank"]);

/// The router over two tanks, of which the rules say that 10 is high and 20 is critical.
struct Tanks {
    served: Served,
    alerts: Alerts,
    ticker: Ticker,
    a: Gauge,
    _b: Gauge,
}

impl Tanks {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder()
            .clock(clock.clock())
            .guest_timeout(Duration::from_secs(600))
            .build();
        let [a, b] = ["a", "b"].map(|tank| registry.gauge(&LEVEL, &[tank]).expect("it is new"));
        let level = || Metric::new("level").by(["tank"]);
        let high = Rule::new("High", level().above(10.0))
            .topic("tanks")
            .lasting(Duration::from_secs(2))
            .summary("tank {tank} is at {value}")
            .remedy("open the valve");
        let critical = Rule::new("Critical", level().above(20.0))
            .group("pumps")
            .severity(Severity::Critical)
            .keep_firing_for(Duration::from_secs(60));
        let alerts = Alerts::builder().rules([high, critical]).register(&registry);
        let alerts = alerts.expect("the rules are good");
        let ticker = registry.ticker().expect("nobody else ticks");
        let pages = AlertPages::new(&alerts);
        let served = Served::over(clock, registry, |routes| routes.surface(pages));
        Self { served, alerts, ticker, a, _b: b }
    }

    fn at(&mut self, level: f64, seconds: u64) {
        self.a.set(level);
        for _ in 0..seconds {
            self.served.clock.advance(Duration::from_secs(1));
            self.ticker.tick();
        }
    }

    async fn json(&self, uri: &str) -> Value {
        let answer = self.served.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}");
        answer.json()
    }
}

#[tokio::test]
async fn alerts_have_the_fields_that_clients_rely_on() {
    let mut tanks = Tanks::new();
    tanks.at(11.0, 3);
    let page = tanks.json("/alerts").await;
    let start = 1_577_836_800_000_u64;
    let expected = json!({
        "id": page["active"][0]["id"],
        "name": "High",
        "state": "firing",
        "severity": "warning",
        "topic": "tanks",
        "component": "a",
        "value": 11.0,
        "threshold": 10.0,
        "unit": null,
        "activeAt": start + 1000,
        "startsAt": start + 3000,
        "endsAt": null,
        "expiresAt": start + 243_000,
        "message": "tank a is at 11",
        "description": "",
        "remedy": "open the valve",
        "runbook": "",
        "labels": { "alertname": "High", "severity": "warning", "tank": "a" },
        "heldBack": [],
    });
    let timestamp = start + 3000;
    let whole = json!({
        "timestamp": timestamp, "active": [expected], "recent": [], "silences": [], "heldBack": [],
    });
    assert_eq!(page, whole);
    tanks.at(0.0, 1);
    let page = tanks.json("/alerts").await;
    assert_eq!(page["active"], json!([]));
    let recent = &page["recent"][0];
    assert_eq!((&recent["state"], &recent["endsAt"]), (&json!("resolved"), &json!(start + 4000)));
}

#[tokio::test]
async fn silences_and_what_is_held_back_are_shown() {
    let mut tanks = Tanks::new();
    let id = tanks.alerts.silence([Matcher::is("tank", "a")], Duration::from_secs(60), "cleaning");
    tanks.at(21.0, 1);
    tanks.at(0.0, 1);
    let page = tanks.json("/alerts").await;
    let start = 1_577_836_800_000_u64;
    let silence = json!({
        "id": id, "matchers": ["tank=a"], "startsAt": start, "endsAt": start + 60_000,
        "reason": "cleaning",
    });
    assert_eq!(page["silences"], json!([silence]));
    let held = json!([{
        "id": page["active"][0]["id"],
        "name": "Critical",
        "component": "a",
        "reasons": [
            { "reason": "silenced", "by": id, "until": start + 60_000 },
            { "reason": "keptFiring", "by": "", "until": start + 62_000 },
        ],
    }]);
    assert_eq!(page["heldBack"], held);
}

#[tokio::test]
async fn alerts_are_selected_by_severity_and_topic() {
    let mut tanks = Tanks::new();
    tanks.at(21.0, 1);
    let check = async |query: &str, names: &[&str]| {
        let page = tanks.json(&format!("/alerts{query}")).await;
        let active = page["active"].as_array().expect("a list");
        let shown: Vec<_> = active.iter().filter_map(|alert| alert["name"].as_str()).collect();
        assert_eq!(shown, names, "{query}");
    };
    check("", &["Critical", "High"]).await;
    check("?severity=critical", &["Critical"]).await;
    check("?severity=warning", &["High"]).await;
    check("?topic=tanks", &["High"]).await;
    check("?topic=elsewhere", &[]).await;
    for wrong in ["severity=bad", "severity=", "topic=", "topic=a&topic=b"] {
        let answer = tanks.served.get(&format!("/alerts?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert_eq!(answer.json()["error"]["code"], "invalid_parameter", "{wrong}");
    }
}

#[tokio::test]
async fn rules_and_alerts_have_the_shape_of_prometheus() {
    let mut tanks = Tanks::new();
    tanks.at(11.0, 1);
    let rules = tanks.json("/api/v1/rules").await;
    assert_eq!(rules["status"], "success");
    let groups = rules["data"]["groups"].as_array().expect("a list");
    let names: Vec<_> = groups.iter().filter_map(|group| group["name"].as_str()).collect();
    assert_eq!(names, ["custom_alerts", "pumps"]);
    assert_eq!((&groups[0]["interval"], &groups[0]["file"]), (&json!(1.0), &json!("node0")));
    let alert = json!({
        "activeAt": "2020-01-01T00:00:01.000Z",
        "state": "pending",
        "value": "11",
        "labels": { "alertname": "High", "severity": "warning", "tank": "a" },
        "annotations": { "summary": "tank a is at 11", "remedy": "open the valve" },
    });
    let rule = json!({
        "type": "alerting",
        "name": "High",
        "query": "sum by (tank) (level) > 10",
        "duration": 2.0,
        "keepFiringFor": 0.0,
        "labels": { "severity": "warning" },
        "annotations": { "summary": "tank {tank} is at {value}", "remedy": "open the valve" },
        "state": "pending",
        "health": "ok",
        "lastError": "",
        "lastEvaluation": "2020-01-01T00:00:01.000Z",
        "evaluationTime": 0.0,
        "alerts": [alert],
    });
    assert_eq!(groups[0]["rules"], json!([rule]));
    let inactive = &groups[1]["rules"][0];
    assert_eq!((&inactive["state"], &inactive["duration"]), (&json!("inactive"), &json!(0.0)));
    assert_eq!(inactive["labels"], json!({ "severity": "critical" }));
    let active = tanks.json("/api/v1/alerts").await;
    assert_eq!(active, json!({ "status": "success", "data": { "alerts": [alert] } }));
    assert_eq!(tanks.json("/api/v1/rules?type=record").await["data"]["groups"], json!([]));
    assert_eq!(tanks.served.get("/api/v1/rules?type=x").await.status, 400);
}

#[tokio::test]
async fn before_the_first_evaluation_rules_are_unknown() {
    let tanks = Tanks::new();
    assert_eq!(tanks.json("/alerts").await["timestamp"], Value::Null);
    let rules = tanks.json("/api/v1/rules").await;
    let rule = &rules["data"]["groups"][0]["rules"][0];
    assert_eq!((&rule["health"], &rule["state"]), (&json!("unknown"), &json!("inactive")));
}

#[tokio::test]
async fn a_rule_over_a_metric_that_is_not_there_is_unknown_and_says_so() {
    let mut tanks = Tanks::new();
    let rule = Rule::new("Typo", Metric::new("lvl").above(1.0));
    tanks.alerts.reload([rule]).expect("the rule is good");
    tanks.at(1.0, 1);
    let rule = &tanks.json("/api/v1/rules").await["data"]["groups"][0]["rules"][0];
    assert_eq!((&rule["health"], &rule["state"]), (&json!("unknown"), &json!("inactive")));
    let said = rule["lastError"].as_str().expect("a text");
    assert!(said.starts_with("there is no metric `lvl` now: correct the name"), "{said}");
    assert_eq!(rule["labels"], json!({ "severity": "warning" }), "as its alerts have it");
}
