//! An example of Alertmanager's configuration, with which related alerts become one message.
//!
//! Prometheus does not know that one alert explains another; Alertmanager does, by its
//! `inhibit_rules`. They follow from the rules of the service, and so do the labels that both
//! alerts must share.

use serde::Serialize;

use super::alert::{AlertRule, alert_rules};
use crate::documents::{Document, DocumentError};

const PATH: &str = "alerts/alertmanager.yaml";

const HEAD: &str = "\
# An example for Alertmanager: critical alerts to the pager, warnings to a chat, one message for each
# service. Put your receivers in. The inhibit_rules follow from the rules of the service; do not edit
# them: `cargo xtask generate` writes this file.
";

#[derive(Debug, Serialize)]
struct Configuration {
    route: Route,
    receivers: [Receiver; 2],
    inhibit_rules: Vec<Inhibition>,
}

#[derive(Debug, Serialize)]
struct Route {
    receiver: &'static str,
    group_by: [&'static str; 2],
    group_wait: &'static str,
    group_interval: &'static str,
    repeat_interval: &'static str,
    routes: [Branch; 1],
}

#[derive(Debug, Serialize)]
struct Branch {
    matchers: [&'static str; 1],
    receiver: &'static str,
    group_wait: &'static str,
    repeat_interval: &'static str,
}

#[derive(Debug, Serialize)]
struct Receiver {
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct Inhibition {
    source_matchers: [String; 1],
    target_matchers: [String; 1],
    equal: Vec<String>,
}

/// Returns the configuration.
///
/// # Errors
/// [`DocumentError::Yaml`] if it cannot be written as YAML.
pub(super) fn document() -> Result<Document, DocumentError> {
    let configuration = Configuration {
        route: Route {
            receiver: "chat",
            group_by: ["namespace", "job"],
            group_wait: "30s",
            group_interval: "5m",
            repeat_interval: "12h",
            routes: [Branch {
                matchers: ["severity = critical"],
                receiver: "pager",
                group_wait: "10s",
                repeat_interval: "4h",
            }],
        },
        receivers: [Receiver { name: "chat" }, Receiver { name: "pager" }],
        inhibit_rules: inhibitions(&alert_rules()),
    };
    let text = serde_saphyr::to_string(&configuration)?;
    Ok(Document { path: PATH.to_owned(), text: format!("{HEAD}{text}") })
}

/// Returns an inhibition for each alert that another one explains, if both are about the same
/// thing: then they have equal labels.
fn inhibitions(rules: &[AlertRule]) -> Vec<Inhibition> {
    let pairs = rules.iter().flat_map(|target| {
        let sources = rules.iter().filter(|source| target.inhibited_by.contains(&source.name));
        sources.map(move |source| (source, target))
    });
    let is = |rule: &AlertRule| [format!("alertname = {}", rule.name)];
    let inhibition = |(source, target): (&AlertRule, &AlertRule)| Inhibition {
        source_matchers: is(source),
        target_matchers: is(target),
        equal: target.labels.clone(),
    };
    pairs.map(inhibition).collect()
}
