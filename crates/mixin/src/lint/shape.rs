//! Rules about the keys and words that Grafana knows.
//!
//! Grafana ignores a key that it does not know, and falls back to a default for a word that it does
//! not know. The lists have what boards of this project use, not all that there is.

use serde_json::Value;

use super::{list, panels_of, targets_of, text};

/// The keys of an object, by what the object is.
const KEYS: &[(&str, &[&str])] = &[
    (
        "board",
        &[
            "annotations",
            "description",
            "editable",
            "fiscalYearStartMonth",
            "graphTooltip",
            "id",
            "links",
            "panels",
            "refresh",
            "schemaVersion",
            "tags",
            "templating",
            "time",
            "timepicker",
            "timezone",
            "title",
            "uid",
            "version",
            "weekStart",
        ],
    ),
    (
        "panel",
        &[
            "datasource",
            "description",
            "fieldConfig",
            "gridPos",
            "id",
            "interval",
            "links",
            "options",
            "targets",
            "title",
            "type",
        ],
    ),
    (
        "defaults",
        &["color", "custom", "decimals", "mappings", "max", "min", "noValue", "thresholds", "unit"],
    ),
    (
        "query",
        &[
            "datasource",
            "editorMode",
            "exemplar",
            "expr",
            "format",
            "instant",
            "legendFormat",
            "range",
            "refId",
        ],
    ),
    (
        "variable",
        &[
            "allValue",
            "current",
            "datasource",
            "definition",
            "hide",
            "includeAll",
            "label",
            "multi",
            "name",
            "options",
            "query",
            "refresh",
            "regex",
            "skipUrlSync",
            "sort",
            "type",
        ],
    ),
    (
        "custom of timeseries",
        &[
            "axisSoftMax",
            "axisSoftMin",
            "drawStyle",
            "fillOpacity",
            "lineInterpolation",
            "lineWidth",
            "showPoints",
            "spanNulls",
            "stacking",
            "thresholdsStyle",
        ],
    ),
    ("custom of state-timeline", &["fillOpacity", "lineWidth"]),
    ("options of timeseries", &["legend", "tooltip"]),
    (
        "options of stat",
        &["colorMode", "graphMode", "justifyMode", "orientation", "reduceOptions", "textMode"],
    ),
    (
        "options of bargauge",
        &["displayMode", "orientation", "reduceOptions", "showUnfilled", "valueMode"],
    ),
    (
        "options of state-timeline",
        &["alignValue", "legend", "mergeValues", "rowHeight", "showValue", "tooltip"],
    ),
    (
        "options of heatmap",
        &[
            "calculate",
            "cellGap",
            "color",
            "filterValues",
            "legend",
            "rowsFrame",
            "tooltip",
            "yAxis",
        ],
    ),
];

/// The words that a place may have; a place that is not there has none.
const WORDS: &[(&str, &[&str])] = &[
    ("/fieldConfig/defaults/color/mode", &["palette-classic", "thresholds"]),
    ("/fieldConfig/defaults/thresholds/mode", &["absolute"]),
    ("/fieldConfig/defaults/custom/drawStyle", &["line"]),
    ("/fieldConfig/defaults/custom/lineInterpolation", &["linear"]),
    ("/fieldConfig/defaults/custom/showPoints", &["never"]),
    ("/fieldConfig/defaults/custom/stacking/mode", &["none", "normal"]),
    ("/fieldConfig/defaults/custom/thresholdsStyle/mode", &["line+area", "off"]),
    ("/options/legend/displayMode", &["list", "table"]),
    ("/options/legend/placement", &["bottom"]),
    ("/options/tooltip/mode", &["multi", "single"]),
    ("/options/colorMode", &["background", "none"]),
    ("/options/graphMode", &["area", "none"]),
    ("/options/textMode", &["auto"]),
    ("/options/displayMode", &["basic"]),
    ("/options/orientation", &["auto", "horizontal"]),
    ("/options/showValue", &["auto"]),
    ("/options/reduceOptions/calcs/0", &["lastNotNull"]),
];

const TYPES: &[&str] = &["bargauge", "heatmap", "stat", "state-timeline", "timeseries"];
const COLORS: &[&str] = &["blue", "green", "orange", "red", "transparent", "yellow"];
const FORMATS: &[&str] = &["heatmap", "table", "time_series"];

pub(super) fn findings(board: &Value) -> Vec<String> {
    let mut found = unknown_keys(board, "board");
    for variable in list(&board["templating"]["list"]) {
        found.extend(unknown_keys(variable, "variable"));
    }
    for panel in panels_of(board) {
        let title = text(&panel["title"]);
        let problems = of_panel(panel).into_iter();
        found.extend(problems.map(|problem| format!("panel `{title}`: {problem}")));
    }
    found
}

fn of_panel(panel: &Value) -> Vec<String> {
    let kind = text(&panel["type"]);
    if !TYPES.contains(&kind) {
        return vec![format!("has the type `{kind}`: use one of {}", TYPES.join(", "))];
    }
    let defaults = &panel["fieldConfig"]["defaults"];
    let mut found = unknown_keys(panel, "panel");
    found.extend(unknown_keys(defaults, "defaults"));
    found.extend(unknown_keys(&panel["options"], &format!("options of {kind}")));
    if let Some(custom) = defaults.get("custom") {
        found.extend(unknown_keys(custom, &format!("custom of {kind}")));
    }
    for (place, words) in WORDS {
        if let Some(word) = panel.pointer(place)
            && !words.contains(&text(word))
        {
            found.push(format!("`{place}` is {word}: use one of {}", words.join(", ")));
        }
    }
    let steps = list(&defaults["thresholds"]["steps"]).iter();
    let texts = list(&defaults["mappings"]).iter().filter_map(|it| it["options"].as_object());
    let of_states = texts.flat_map(|texts| texts.values());
    for color in steps.chain(of_states).map(|it| text(&it["color"])) {
        if !COLORS.contains(&color) {
            found.push(format!("has the colour `{color}`: use one of {}", COLORS.join(", ")));
        }
    }
    for target in targets_of(panel) {
        found.extend(unknown_keys(target, "query"));
        let format = text(&target["format"]);
        if !FORMATS.contains(&format) || (format == "heatmap") != (kind == "heatmap") {
            found.push(format!("has the format `{format}`, which does not fit its type"));
        }
    }
    found
}

fn unknown_keys(object: &Value, name: &str) -> Vec<String> {
    let known = KEYS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, keys)| keys);
    let Some(object) = object.as_object() else { return vec![format!("needs {name}")] };
    let unknown = object.keys().filter(|key| !known.contains(&key.as_str()));
    unknown.map(|key| format!("Grafana ignores the key `{key}` of {name}")).collect()
}
