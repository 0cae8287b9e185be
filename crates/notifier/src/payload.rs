//! The bodies that receivers get.

use std::collections::BTreeMap;
use std::sync::Arc;

use node0_alerting::rfc3339;
use node0_metrics_core::{Alert, Labels};
use serde::Serialize;

use crate::target::Kind;

/// An alert as Alertmanager's API v2 takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForAlertmanager<'a> {
    labels: &'a Labels,
    annotations: BTreeMap<&'static str, &'a str>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

/// The body of a webhook.
#[derive(Serialize)]
struct ForWebhook<'a> {
    /// The version of this shape.
    version: u32,
    groups: Vec<Group<'a>>,
}

/// The alerts about one component.
#[derive(Serialize)]
struct Group<'a> {
    topic: &'a str,
    component: &'a str,
    alerts: Vec<&'a Alert>,
}

/// Writes a body.
pub(crate) fn write(
    kind: Kind,
    alerts: &[Arc<Alert>],
    source: &str,
) -> serde_json::Result<Vec<u8>> {
    match kind {
        Kind::Alertmanager => {
            let alerts: Vec<_> =
                alerts.iter().map(|alert| for_alertmanager(alert, source)).collect();
            serde_json::to_vec(&alerts)
        }
        Kind::Webhook => {
            let mut groups: Vec<Group<'_>> = Vec::new();
            for alert in alerts {
                let (topic, component) = (alert.topic.as_str(), alert.component.as_str());
                let is_same =
                    |group: &&mut Group<'_>| (group.topic, group.component) == (topic, component);
                match groups.iter_mut().find(is_same) {
                    Some(group) => group.alerts.push(alert),
                    None => groups.push(Group { topic, component, alerts: vec![alert] }),
                }
            }
            serde_json::to_vec(&ForWebhook { version: 1, groups })
        }
    }
}

fn for_alertmanager<'a>(alert: &'a Alert, source: &'a str) -> ForAlertmanager<'a> {
    ForAlertmanager {
        labels: &alert.labels,
        annotations: alert.annotations().collect(),
        starts_at: rfc3339(alert.starts_at.unwrap_or(alert.active_at)),
        ends_at: rfc3339(alert.expires_at),
        generator_url: source,
    }
}
