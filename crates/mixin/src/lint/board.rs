//! Rules about a board as a whole: identity, variables, annotations, links.

use serde_json::Value;

use super::{Context, list, text};
use crate::promql::Expression;

/// The reference to the data source that the user chooses.
pub(super) const DATA_SOURCE: &str = "${datasource}";
const MAX_UID: usize = 40;

pub(super) fn findings(board: &Value, context: &Context) -> Vec<String> {
    let mut found = identity(board);
    found.extend(variables(board, context));
    found.extend(annotations(board, context));
    found.extend(links(board));
    found
}

fn identity(board: &Value) -> Vec<String> {
    let uid = text(&board["uid"]);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let rules = [
        (
            (1..=MAX_UID).contains(&uid.len()) && uid.chars().all(is_plain),
            "`uid` must be fixed, of at most 40 letters, digits, `-` and `_`",
        ),
        (!text(&board["title"]).is_empty(), "needs a title"),
        (!text(&board["description"]).is_empty(), "needs a description"),
        (board["id"].is_null(), "`id` must be null: Grafana chooses it"),
        (board["editable"] == false, "`editable` must be false: the file is the source"),
        (board.get("__inputs").is_none(), "`__inputs` cannot be provisioned"),
        (board.get("__requires").is_none(), "`__requires` cannot be provisioned"),
        (board["schemaVersion"].as_u64() >= Some(36), "`schemaVersion` must be 36 or later"),
        (
            board["graphTooltip"] == 1,
            "`graphTooltip` must be 1, so that panels share the crosshair",
        ),
        (list(&board["tags"]).iter().any(|tag| tag == "node0"), "needs the tag `node0`"),
        (text(&board["time"]["from"]).starts_with("now-"), "`time.from` must be relative to now"),
        (board["time"]["to"] == "now", "`time.to` must be now"),
        (!text(&board["refresh"]).is_empty(), "`refresh` must be set"),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule.to_owned()).collect()
}

fn variables(board: &Value, context: &Context) -> Vec<String> {
    let all = list(&board["templating"]["list"]);
    let mut found = Vec::new();
    let sources: Vec<_> = all.iter().filter(|it| it["type"] == "datasource").collect();
    match sources.as_slice() {
        [one] => {
            let is_right = one["name"] == "datasource"
                && one["label"] == "Data source"
                && one["query"] == "prometheus";
            if !is_right {
                found.push(
                    "the variable of the data source must be named `datasource` and labelled \
                     `Data source`, for `prometheus`"
                        .to_owned(),
                );
            }
        }
        other => found.push(format!("needs one variable of a data source, has {}", other.len())),
    }
    for name in ["job", "instance"] {
        match all.iter().find(|it| it["name"] == name) {
            Some(variable) => {
                let problems = of_targets(variable, name, context).into_iter();
                found.extend(problems.map(|problem| format!("variable `{name}`: {problem}")));
            }
            None => found.push(format!("needs the variable `{name}`")),
        }
    }
    found
}

fn of_targets(variable: &Value, name: &str, context: &Context) -> Vec<String> {
    let query = text(&variable["query"]["query"]);
    let metric: String = query
        .trim_start_matches("label_values(")
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let is_ours = metric.starts_with("node0_") && context.catalogue.metric_of(&metric).is_some();
    let is_chained = name != "instance" || query.contains(r#"job=~"$job""#);
    let rules = [
        (variable["type"] == "query", "must be a query"),
        (!text(&variable["label"]).is_empty(), "needs a label"),
        (variable["multi"] == true, "must allow several values"),
        (variable["includeAll"] == true, "must include All"),
        (variable["allValue"] == ".+", "`allValue` must be `.+`"),
        (variable["refresh"] == 2, "`refresh` must be 2: when the time range changes"),
        (text(&variable["datasource"]["uid"]) == DATA_SOURCE, "must use `${datasource}`"),
        (query.ends_with(&format!(", {name})")), "must be `label_values(metric, label)`"),
        (variable["definition"] == variable["query"]["query"], "`definition` must be its query"),
        (is_ours, "must take a metric that node0 alone exports"),
        (is_chained, "must depend on the chosen jobs: `{job=~\"$job\"}`"),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule.to_owned()).collect()
}

/// Alerts are drawn into all panels.
fn annotations(board: &Value, context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    let all = list(&board["annotations"]["list"]);
    let mut of_alerts = 0;
    for annotation in all {
        if text(&annotation["datasource"]["uid"]) != DATA_SOURCE {
            found.push("an annotation must use `${datasource}`".to_owned());
        }
        let expression = match Expression::parse(text(&annotation["expr"])) {
            Ok(expression) => expression,
            Err(error) => {
                found.push(format!("annotation: {error}"));
                continue;
            }
        };
        for selector in expression.selectors().iter().filter(|it| it.name == "ALERTS") {
            of_alerts += 1;
            let value = |key: &str| {
                let matcher = selector.matchers.iter().find(|it| it.key == key);
                matcher.map(|matcher| matcher.value).unwrap_or_default()
            };
            let names: Vec<_> = value("alertname").split('|').collect();
            let is_complete = context.rules.values().all(|rule| names.contains(&&*rule.name));
            let is_real =
                names.iter().all(|name| context.rules.values().any(|it| it.name == *name));
            if !(is_complete && is_real) {
                found.push("the annotation must name all alert rules and no other".to_owned());
            }
            if value("alertstate") != "firing" {
                found.push("the annotation must show firing alerts".to_owned());
            }
            if value("job") != "$job|" || value("instance") != "$instance|" {
                found.push(
                    "the annotation must follow the variables, also for alerts without \
                            these labels: `job=~\"$job|\", instance=~\"$instance|\"`"
                        .to_owned(),
                );
            }
        }
    }
    if of_alerts == 0 {
        found.push("needs an annotation of ALERTS".to_owned());
    }
    found
}

fn links(board: &Value) -> Vec<String> {
    let siblings = list(&board["links"]).iter().find(|link| link["type"] == "dashboards");
    let is_right = siblings.is_some_and(|link| {
        link["keepTime"] == true
            && link["includeVars"] == true
            && list(&link["tags"]).iter().any(|tag| tag == "node0")
    });
    let problem = "needs a link to the boards with the tag `node0` that keeps time and variables";
    if is_right { Vec::new() } else { vec![problem.to_owned()] }
}
