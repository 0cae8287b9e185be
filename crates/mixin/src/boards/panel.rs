//! A panel as Grafana's JSON.

use node0_alerting::Comparison;
use serde_json::{Map, Value, json};

use super::BoardPanel;
use super::definition::{Kind, Panel, Step};
use super::grafana::data_source;

pub(super) fn panel(panel: &BoardPanel, id: u32, place: Value) -> Value {
    let definition = &panel.definition;
    let links = panel.rule.iter().map(|rule| {
        json!({ "targetBlank": true, "title": format!("Runbook of {}", rule.name), "url": rule.runbook_url })
    });
    json!({
        "datasource": data_source(),
        "description": description(panel),
        "fieldConfig": { "defaults": defaults(panel), "overrides": [] },
        "gridPos": place,
        "id": id,
        "interval": Value::Null,
        "links": links.collect::<Vec<_>>(),
        "options": options(panel),
        "targets": targets(panel),
        "title": definition.title.get_ref(),
        "type": type_name(definition.kind),
    })
}

/// Returns what the panel shows, the good range, and what to do; for an alert also its numbers.
fn description(panel: &BoardPanel) -> String {
    let definition = &panel.definition;
    let act = match (&definition.act, &panel.rule) {
        (Some(act), _) => act,
        (None, Some(rule)) => &rule.remedy,
        (None, None) => "",
    };
    let mut text = definition.shows.trim().to_owned();
    if let Some(rule) = &panel.rule {
        text.push_str(&format!(
            "\n\nThe red area is where the alert {} ({}) fires, if it lasts for {}.",
            rule.name,
            rule.severity,
            minutes(rule.lasting)
        ));
    }
    text.push_str(&format!("\n\n**Good:** {}", definition.good.trim()));
    if !act.is_empty() {
        text.push_str(&format!("\n\n**If not:** {}", act.trim()));
    }
    text
}

fn minutes(time: std::time::Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Timeseries => "timeseries",
        Kind::Stat => "stat",
        Kind::Bargauge => "bargauge",
        Kind::StateTimeline => "state-timeline",
        Kind::Heatmap => "heatmap",
    }
}

fn defaults(panel: &BoardPanel) -> Value {
    let definition = &panel.definition;
    let steps = steps(panel);
    let has_limits = steps.len() > 1;
    let mut defaults = Map::new();
    let by_limit = has_limits && definition.kind != Kind::Timeseries;
    let mode = if by_limit { "thresholds" } else { "palette-classic" };
    defaults.insert("color".into(), json!({ "mode": mode }));
    match definition.kind {
        Kind::Timeseries => {
            defaults.insert("custom".into(), lines(panel, has_limits));
        }
        Kind::StateTimeline => {
            defaults.insert("custom".into(), json!({ "fillOpacity": 80, "lineWidth": 0 }));
        }
        Kind::Stat | Kind::Bargauge | Kind::Heatmap => {}
    }
    defaults.insert("mappings".into(), mappings(definition));
    defaults.insert("noValue".into(), json!(definition.no_value));
    for (key, value) in [
        ("min", definition.min.map(number)),
        ("max", definition.max.map(number)),
        ("decimals", definition.decimals.map(Value::from)),
    ] {
        if let Some(value) = value {
            defaults.insert(key.into(), value);
        }
    }
    defaults.insert("thresholds".into(), json!({ "mode": "absolute", "steps": steps }));
    defaults.insert("unit".into(), json!(definition.unit));
    Value::Object(defaults)
}

fn lines(panel: &BoardPanel, has_limits: bool) -> Value {
    let is_stacked = panel.definition.stacked;
    let stacking = if is_stacked { "normal" } else { "none" };
    json!({
        "axisSoftMax": number(soft_maximum(panel)),
        "axisSoftMin": 0,
        "drawStyle": "line",
        "fillOpacity": if is_stacked { 40 } else { 8 },
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": false,
        "stacking": { "group": "A", "mode": stacking },
        "thresholdsStyle": { "mode": if has_limits { "line+area" } else { "off" } },
    })
}

/// Returns the value that the axis reaches at least. Without it, an axis of zeros reaches 100, which
/// is 10,000 % or paints the whole panel as an alert.
fn soft_maximum(panel: &BoardPanel) -> f64 {
    match &panel.rule {
        Some(rule) if rule.comparison != Comparison::Below && rule.threshold > 0.0 => {
            rule.threshold * 1.25
        }
        _ => match panel.definition.unit.as_str() {
            "s" => 0.01,
            "percentunit" => 0.1,
            _ => 1.0,
        },
    }
}

/// Returns the colours by value; those of an alert are red where its condition holds.
fn steps(panel: &BoardPanel) -> Vec<Value> {
    let step = |color: &str, value: Option<f64>| json!({ "color": color, "value": value.map_or(Value::Null, number) });
    // A line has its own colour, so that only the area of the alert is painted.
    let good = if panel.definition.kind == Kind::Timeseries { "transparent" } else { "green" };
    match &panel.rule {
        Some(rule) => match rule.comparison {
            Comparison::Above | Comparison::AtLeast => {
                vec![step(good, None), step("red", Some(rule.threshold))]
            }
            Comparison::Below => vec![step("red", None), step(good, Some(rule.threshold))],
        },
        None if panel.definition.thresholds.is_empty() => vec![step(good, None)],
        None => {
            let own = panel.definition.thresholds.iter();
            own.map(|Step { color, value }| step(color, *value)).collect()
        }
    }
}

/// Writes a whole number without a fraction.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the value is whole and small enough"
        )]
        return json!(value as i64);
    }
    json!(value)
}

fn mappings(definition: &Panel) -> Value {
    if definition.states.is_empty() {
        return json!([]);
    }
    let texts = definition.states.iter().enumerate().map(|(at, state)| {
        let text = json!({ "color": state.color, "index": at, "text": state.text });
        (state.value.to_string(), text)
    });
    json!([{ "options": texts.collect::<Map<_, _>>(), "type": "value" }])
}

fn options(panel: &BoardPanel) -> Value {
    let definition = &panel.definition;
    let has_limits = steps(panel).len() > 1;
    let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
    let legend =
        json!({ "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true });
    match definition.kind {
        Kind::Timeseries => {
            let legend = json!({ "calcs": columns(definition), "displayMode": "table", "placement": "bottom", "showLegend": true });
            json!({ "legend": legend, "tooltip": { "mode": "multi", "sort": "desc" } })
        }
        // A number without limits is neither good nor bad, so it has no colour and no course.
        Kind::Stat => json!({
            "colorMode": if has_limits { "background" } else { "none" },
            "graphMode": if has_limits { "area" } else { "none" },
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": last,
            "textMode": "auto",
        }),
        Kind::Bargauge => json!({
            "displayMode": "basic",
            "orientation": "horizontal",
            "reduceOptions": last,
            "showUnfilled": true,
            "valueMode": "color",
        }),
        Kind::StateTimeline => json!({
            "alignValue": "center",
            "legend": legend,
            "mergeValues": true,
            "rowHeight": 0.9,
            "showValue": "auto",
            "tooltip": { "mode": "single", "sort": "none" },
        }),
        Kind::Heatmap => json!({
            "calculate": false,
            "cellGap": 1,
            "color": { "exponent": 0.5, "mode": "scheme", "scheme": "Oranges", "steps": 64 },
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "auto" },
            "tooltip": { "mode": "single", "yHistogram": false },
            "yAxis": { "axisPlacement": "left", "unit": definition.unit },
        }),
    }
}

/// Returns the numbers of a legend. A narrow one has room for a name and one number.
const fn columns(definition: &Panel) -> &'static [&'static str] {
    const NARROW: u32 = 6;
    if definition.width > NARROW { &["lastNotNull", "max"] } else { &["lastNotNull"] }
}

fn targets(panel: &BoardPanel) -> Vec<Value> {
    let kind = panel.definition.kind;
    let targets = panel.targets.iter().zip('A'..='Z').map(|(target, letter)| {
        let format = if kind == Kind::Heatmap { "heatmap" } else { "time_series" };
        // These show one value, that of the end of the time range.
        let is_instant = matches!(kind, Kind::Bargauge);
        json!({
            "datasource": data_source(),
            "editorMode": "code",
            "exemplar": target.exemplars,
            "expr": target.expr,
            "format": format,
            "instant": is_instant,
            "legendFormat": target.legend,
            "range": !is_instant,
            "refId": letter.to_string(),
        })
    });
    targets.collect()
}
