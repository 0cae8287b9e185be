//! A board as Grafana's JSON: variables, annotations, links, and the places of the panels.

use serde_json::{Value, json};

use super::{Board, BoardRow, MAIN_UID, panel};
use crate::rules;

/// The version of Grafana's format, that of Grafana 10.4; later ones upgrade it.
const SCHEMA_VERSION: u32 = 39;
const COLUMNS: u32 = 24;

/// The data source that the variable of the board chooses.
pub(super) fn data_source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

pub(super) fn board(board: &Board) -> Value {
    json!({
        "annotations": { "list": [alerts()] },
        "description": board.description,
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": null,
        "links": links(board),
        "panels": panels(&board.rows),
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "tags": ["node0"],
        "templating": { "list": variables() },
        "time": { "from": "now-1h", "to": "now" },
        "timepicker": {},
        "timezone": "browser",
        "title": board.title,
        "uid": board.uid,
        "version": 1,
        "weekStart": "",
    })
}

/// Marks the times at which Prometheus's alerts fire.
///
/// Alerts about a service have no label `instance`, and one about missing targets has no more than
/// the labels it was given, so that an empty value matches too.
fn alerts() -> Value {
    let names: Vec<_> = rules::alert_rules().into_iter().map(|rule| rule.name).collect();
    let expr = format!(
        "max by (alertname, severity, job) (ALERTS{{alertstate=\"firing\", alertname=~\"{}\", \
         job=~\"$job|\", instance=~\"$instance|\"}})",
        names.join("|")
    );
    json!({
        "datasource": data_source(),
        "enable": true,
        "expr": expr,
        "hide": false,
        "iconColor": "red",
        "name": "Alerts",
        "step": "30s",
        "tagKeys": "severity,job",
        "textFormat": "{{severity}} alert of {{job}}",
        "titleFormat": "{{alertname}}",
    })
}

fn links(board: &Board) -> Value {
    let page = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/dashboards.md");
    let mut links = vec![json!({
        "asDropdown": true,
        "icon": "external link",
        "includeVars": true,
        "keepTime": true,
        "tags": ["node0"],
        "targetBlank": false,
        "title": "Boards of node0",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    })];
    if board.uid != MAIN_UID {
        links.push(link("Performance", &format!("/d/{MAIN_UID}"), true));
    }
    links.push(link("How to read this board", page, false));
    links.into()
}

fn link(title: &str, url: &str, keeps_choices: bool) -> Value {
    json!({
        "asDropdown": false,
        "icon": "doc",
        "includeVars": keeps_choices,
        "keepTime": keeps_choices,
        "tags": [],
        "targetBlank": !keeps_choices,
        "title": title,
        "tooltip": "",
        "type": "link",
        "url": url,
    })
}

fn variables() -> Value {
    let source = json!({
        "current": {},
        "hide": 0,
        "includeAll": false,
        "label": "Data source",
        "multi": false,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": false,
        "type": "datasource",
    });
    // A metric that every service with node0 has, and no other.
    let job = variable("job", "Job", "label_values(node0_recording_threads, job)");
    let of_job = "label_values(node0_recording_threads{job=~\"$job\"}, instance)";
    json!([source, job, variable("instance", "Instance", of_job)])
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "allValue": ".+",
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        "datasource": data_source(),
        "definition": query,
        "hide": 0,
        "includeAll": true,
        "label": label,
        "multi": true,
        "name": name,
        "options": [],
        "query": { "qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
        "refresh": 2,
        "regex": "",
        "skipUrlSync": false,
        "sort": 1,
        "type": "query",
    })
}

/// Places the panels from left to right, and starts a new line where one does not fit.
fn panels(rows: &[BoardRow]) -> Value {
    let mut written = Vec::new();
    let mut id = 0;
    let mut next_id = || {
        id += 1;
        id
    };
    let mut y = 0;
    for row in rows {
        let row_id = next_id();
        let row_y = y;
        y += 1;
        let (mut x, mut highest) = (0, 0);
        let mut inside = Vec::new();
        for panel in &row.panels {
            let (width, height) = (panel.definition.width, panel.definition.height);
            if x + width > COLUMNS {
                y += highest;
                (x, highest) = (0, 0);
            }
            let place = json!({ "h": height, "w": width, "x": x, "y": y });
            inside.push(panel::panel(panel, next_id(), place));
            x += width;
            highest = highest.max(height);
        }
        y += highest;
        let nested = if row.is_collapsed { std::mem::take(&mut inside) } else { Vec::new() };
        written.push(json!({
            "collapsed": row.is_collapsed,
            "gridPos": { "h": 1, "w": COLUMNS, "x": 0, "y": row_y },
            "id": row_id,
            "panels": nested,
            "title": row.title,
            "type": "row",
        }));
        written.append(&mut inside);
        if row.is_collapsed {
            y = row_y + 1;
        }
    }
    written.into()
}
