//! `/alerts` for people and clients, and the two paths by which Prometheus shows rules and alerts.
//!
//! Grafana's alert list and other tools read `/api/v1/rules` and `/api/v1/alerts` of a Prometheus,
//! so the service is one to them. Both are read only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use node0_alerting::{Alerts, Condition, Overview, RuleStatus, Silence, rfc3339};
use node0_metrics_core::{Alert, AlertState, HeldBack, Labels, Severity, Timestamp};
use serde::Serialize;

use super::endpoint::{Endpoint, EndpointDesc};
use super::error::ApiError;
use super::parameter::Parameter;
use super::query::Query;
use super::reply;
use super::surface::{Mount, Surface};

const SEVERITY: Parameter =
    Parameter::words("severity", "Shows alerts of this severity alone.", &["warning", "critical"]);
const TOPIC: Parameter = Parameter::text("topic", "Shows alerts about this topic alone.");
const TYPE: Parameter = Parameter::words(
    "type",
    "Shows rules of this type alone; all rules here are alerts.",
    &["alert", "record"],
);

/// The endpoints of a registry's alerts: `/alerts`, `/api/v1/rules` and `/api/v1/alerts`.
///
/// ```
/// use node0_alerting::Alerts;
/// use axum::Router;
/// use node0_exporter::Exporter;
/// use node0_http_glue::{AlertPages, Readiness, Routes};
/// use node0_metrics_core::Registry;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let registry = Registry::new();
/// let alerts = Alerts::builder().register(&registry)?;
/// let readiness = Readiness::builder(&registry).start();
/// let routes = Routes::new(&registry, Exporter::new(), &readiness);
/// let app: Router = routes.surface(AlertPages::new(&alerts)).router()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct AlertPages {
    alerts: Alerts,
}

impl AlertPages {
    /// Creates the endpoints of these alerts.
    pub fn new(alerts: &Alerts) -> Self {
        Self { alerts: alerts.clone() }
    }
}

impl Surface for AlertPages {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn endpoints(&self, _: &Mount) -> Vec<Endpoint> {
        let alerts = EndpointDesc::get("/alerts", "What is wrong now, and what was lately.")
            .parameter(SEVERITY)
            .parameter(TOPIC)
            .returns(reply::JSON, "The alerts, and the silences.")
            .handler(show_alerts, self.alerts.clone());
        let rules =
            EndpointDesc::get("/api/v1/rules", "The alert rules, as Prometheus shows them.")
                .parameter(TYPE)
                .returns(reply::JSON, "The rules by group, with their alerts.")
                .handler(show_rules, self.alerts.clone());
        let active =
            EndpointDesc::get("/api/v1/alerts", "The active alerts, as Prometheus shows them.")
                .returns(reply::JSON, "The pending and firing alerts.")
                .handler(show_active, self.alerts.clone());
        vec![alerts, rules, active]
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    timestamp: Option<Timestamp>,
    active: Vec<&'a Alert>,
    recent: Vec<&'a Alert>,
    silences: Vec<&'a Silence>,
    held_back: Vec<Held<'a>>,
}

/// An alert that is not announced or not resolved yet.
#[derive(Serialize)]
struct Held<'a> {
    id: &'a str,
    name: &'a str,
    component: &'a str,
    reasons: &'a [HeldBack],
}

/// `GET /alerts`
async fn show_alerts(State(alerts): State<Alerts>, uri: Uri) -> Result<Response, ApiError> {
    let query = Query::of(&uri);
    let severity = query.text(&SEVERITY)?;
    let topic = query.text(&TOPIC)?;
    let overview = alerts.overview();
    let is_wanted = |alert: &Alert| {
        severity.as_ref().is_none_or(|wanted| alert.severity.word() == wanted)
            && topic.as_ref().is_none_or(|wanted| alert.topic == *wanted)
    };
    let (active, recent) =
        (select(&overview.active, is_wanted), select(&overview.recent, is_wanted));
    let held = active.iter().filter(|alert| !alert.held_back.is_empty()).map(|alert| Held {
        id: &alert.id,
        name: &alert.name,
        component: &alert.component,
        reasons: &alert.held_back,
    });
    let page = Page {
        timestamp: overview.at,
        active: active.clone(),
        recent,
        silences: overview.silences.iter().map(|silence| &**silence).collect(),
        held_back: held.collect(),
    };
    Ok(reply::json(StatusCode::OK, &page))
}

fn select(alerts: &[Arc<Alert>], is_wanted: impl Fn(&Alert) -> bool) -> Vec<&Alert> {
    alerts.iter().map(|alert| &**alert).filter(|alert| is_wanted(alert)).collect()
}

/// The envelope of Prometheus's answers.
#[derive(Serialize)]
struct Success<T> {
    status: &'static str,
    data: T,
}

#[derive(Serialize)]
struct Groups<'a> {
    groups: Vec<Group<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group<'a> {
    name: &'a str,
    file: &'static str,
    interval: f64,
    limit: u32,
    last_evaluation: String,
    evaluation_time: f64,
    rules: Vec<ShownRule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownRule<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    query: String,
    duration: f64,
    keep_firing_for: f64,
    labels: BTreeMap<&'a str, &'a str>,
    annotations: BTreeMap<&'a str, &'a str>,
    state: &'static str,
    health: &'static str,
    last_error: String,
    last_evaluation: String,
    evaluation_time: f64,
    alerts: Vec<ShownAlert<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAlert<'a> {
    active_at: String,
    state: AlertState,
    value: String,
    labels: &'a Labels,
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Active<'a> {
    alerts: Vec<ShownAlert<'a>>,
}

/// `GET /api/v1/rules`
async fn show_rules(State(alerts): State<Alerts>, uri: Uri) -> Result<Response, ApiError> {
    let has_alerts = Query::of(&uri).text(&TYPE)?.as_deref() != Some("record");
    let overview = alerts.overview();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for status in overview.rules.iter().filter(|status| has_alerts && status.rule.is_enabled) {
        let rule = ShownRule::new(status, &overview);
        match groups.iter_mut().find(|group| group.name == status.rule.group) {
            Some(group) => group.rules.push(rule),
            None => groups.push(Group::new(&status.rule.group, &overview, rule)),
        }
    }
    let body = Success { status: "success", data: Groups { groups } };
    Ok(reply::json(StatusCode::OK, &body))
}

/// `GET /api/v1/alerts`
async fn show_active(State(alerts): State<Alerts>) -> Response {
    let overview = alerts.overview();
    let alerts = overview.active.iter().map(|alert| ShownAlert::new(alert)).collect();
    reply::json(StatusCode::OK, &Success { status: "success", data: Active { alerts } })
}

impl<'a> Group<'a> {
    fn new(name: &'a str, overview: &Overview, first: ShownRule<'a>) -> Self {
        Self {
            name,
            file: "node0",
            interval: overview.interval.as_secs_f64(),
            limit: 0,
            last_evaluation: evaluated(overview),
            evaluation_time: overview.took.as_secs_f64(),
            rules: vec![first],
        }
    }
}

impl<'a> ShownRule<'a> {
    fn new(status: &'a RuleStatus, overview: &Overview) -> Self {
        let rule = &*status.rule;
        let mut labels: BTreeMap<&str, &str> =
            rule.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
        // That of a finding is known only once it is there.
        let of_metric = matches!(rule.condition, Condition::Metric(_)).then_some(Severity::Warning);
        if let Some(severity) = rule.severity.or(of_metric) {
            labels.insert("severity", severity.word());
        }
        let (health, last_error) = match (overview.at, status.left_out, &status.missing) {
            (None, ..) => ("unknown", String::new()),
            (_, 0, None) => ("ok", String::new()),
            (_, 0, Some(reason)) => ("unknown", reason.clone()),
            (_, left_out, _) => {
                ("err", format!("{left_out} alerts are left out: the rule has its maximum"))
            }
        };
        Self {
            kind: "alerting",
            name: &rule.name,
            query: node0_alerting::query(rule, overview.rules.iter().map(|status| &*status.rule)),
            duration: status.lasting.as_secs_f64(),
            keep_firing_for: status.keep_firing_for.as_secs_f64(),
            labels,
            annotations: rule.annotations().collect(),
            state: match status.state() {
                Some(AlertState::Firing) => "firing",
                Some(_) => "pending",
                None => "inactive",
            },
            health,
            last_error,
            last_evaluation: evaluated(overview),
            evaluation_time: overview.took.as_secs_f64(),
            alerts: status.alerts.iter().map(|alert| ShownAlert::new(alert)).collect(),
        }
    }
}

impl<'a> ShownAlert<'a> {
    fn new(alert: &'a Alert) -> Self {
        Self {
            active_at: rfc3339(alert.active_at),
            state: alert.state,
            value: alert.value.to_string(),
            labels: &alert.labels,
            annotations: alert.annotations().collect(),
        }
    }
}

/// The time of the last evaluation; before the first, Prometheus's zero time.
fn evaluated(overview: &Overview) -> String {
    overview.at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339)
}
