//! Faults that are made in a copy of the main board: the lint, or else the answers of a server,
//! must find each of them.

use mixin::Catalogue;
use mixin::lint::{self, Context};
use serde_json::{Value, json};

use crate::grafana;
use crate::stage::Stage;
use crate::states;

/// A fault: its name, and how it is made.
type Fault = (&'static str, Change);

enum Change {
    /// In the board's JSON.
    Board(fn(&mut Value)),
    /// In a panel, by its title.
    Panel(&'static str, fn(&mut Value)),
    /// In the first query of a panel: one text for another.
    Query(&'static str, &'static str, &'static str),
    /// In the file.
    Text(&'static str, &'static str),
}

use Change::{Board, Panel, Query, Text};

const FAULTS: &[Fault] = &[
    // The board.
    ("no uid", Board(|board| board["uid"] = json!(""))),
    ("a uid that is too long", Board(|board| board["uid"] = json!("n".repeat(41)))),
    ("an id", Board(|board| board["id"] = json!(7))),
    ("no title", Board(|board| board["title"] = json!(""))),
    ("editable", Board(|board| board["editable"] = json!(true))),
    ("inputs of an export", Board(|board| board["__inputs"] = json!([]))),
    ("a repeated key", Text("\"editable\": false", "\"editable\": false, \"editable\": false")),
    ("an absolute time", Board(|board| board["time"]["from"] = json!("2026-01-01"))),
    ("no shared crosshair", Board(|board| board["graphTooltip"] = json!(0))),
    ("no tag", Board(|board| board["tags"] = json!([]))),
    ("an old format", Board(|board| board["schemaVersion"] = json!(16))),
    ("no link to the other boards", Board(|board| board["links"] = json!([]))),
    ("a link that forgets the time", Board(|board| board["links"][0]["keepTime"] = json!(false))),
    // Variables and annotations.
    ("no variable for the data source", Board(|board| drop(list(board).remove(0)))),
    (
        "two variables for the data source",
        Board(|board| list(board).push(json!({"type": "datasource"}))),
    ),
    ("another name of the data source", Board(|board| list(board)[0]["name"] = json!("ds"))),
    ("no variable for the job", Board(|board| drop(list(board).remove(1)))),
    ("one job only", Board(|board| list(board)[1]["multi"] = json!(false))),
    ("all jobs as a list", Board(|board| list(board)[1]["allValue"] = Value::Null)),
    ("jobs of the first load", Board(|board| list(board)[1]["refresh"] = json!(1))),
    (
        "instances of all jobs",
        Board(|board| set_query(board, 2, "label_values(node0_recording_threads, instance)")),
    ),
    ("jobs of everybody", Board(|board| set_query(board, 1, "label_values(up, job)"))),
    (
        "a fixed data source of a variable",
        Board(|board| list(board)[1]["datasource"]["uid"] = json!("P1")),
    ),
    (
        "a fixed data source of an annotation",
        Board(|board| alerts(board)["datasource"]["uid"] = json!("P1")),
    ),
    (
        "an annotation without an alert",
        Board(|board| {
            let expr = grafana::text(&alerts(board)["expr"]).replace("CircuitOpen|", "");
            alerts(board)["expr"] = json!(expr);
        }),
    ),
    (
        "an annotation of other jobs",
        Board(|board| {
            let expr = grafana::text(&alerts(board)["expr"]).replace(r#"job=~"$job|", "#, "");
            alerts(board)["expr"] = json!(expr);
        }),
    ),
    // Panels.
    (
        "a fixed data source of a panel",
        Panel("Memory", |panel| panel["datasource"]["uid"] = json!("P1")),
    ),
    (
        "a fixed data source of a query",
        Panel("Memory", |panel| panel["targets"][0]["datasource"]["uid"] = json!("P1")),
    ),
    (
        "a legend that is wider than its panel",
        Panel("Memory", |panel| {
            panel["options"]["legend"]["calcs"] = json!(["lastNotNull", "max"])
        }),
    ),
    (
        "a colour without limits",
        Panel("Last start", |panel| panel["options"]["colorMode"] = json!("background")),
    ),
    ("a panel without a title", Panel("Memory", |panel| panel["title"] = json!(""))),
    ("two panels with one title", Panel("CPU", |panel| panel["title"] = json!("Memory"))),
    ("no description", Panel("Memory", |panel| panel["description"] = json!(""))),
    (
        "a description without a remedy",
        Panel("Memory", |panel| {
            panel["description"] = json!("Resident memory of each instance. **Good:** flat.")
        }),
    ),
    ("an unknown unit", Panel("Memory", |panel| unit(panel, "octets"))),
    ("bytes as a plain number", Panel("Memory", |panel| unit(panel, "short"))),
    ("seconds as a share", Panel("P95 by route", |panel| unit(panel, "percentunit"))),
    ("a rate as a number", Panel("Requests by route", |panel| unit(panel, "none"))),
    ("beyond the grid", Panel("Memory", |panel| panel["gridPos"]["x"] = json!(20))),
    ("an overlap", Panel("Memory", |panel| panel["gridPos"]["x"] = json!(15))),
    ("two panels with one id", Panel("Memory", |panel| panel["id"] = json!(2))),
    ("two queries with one name", Panel("CPU", |panel| panel["targets"][1]["refId"] = json!("A"))),
    ("no query", Panel("Memory", |panel| panel["targets"] = json!([]))),
    ("no text for no data", Panel("Memory", |panel| drop(defaults(panel).remove("noValue")))),
    ("an old type", Panel("Memory", |panel| panel["type"] = json!("graph"))),
    ("a key that nobody knows", Panel("Memory", |panel| panel["options"]["legends"] = json!({}))),
    (
        "a word that nobody knows",
        Panel("Requests by route", |panel| {
            defaults(panel)["custom"]["stacking"]["mode"] = json!("stacked")
        }),
    ),
    (
        "a colour that nobody knows",
        Panel("System health score", |panel| {
            defaults(panel)["thresholds"]["steps"][0]["color"] = json!("rouge")
        }),
    ),
    (
        "no limits of a gauge",
        Panel("Component health scores", |panel| drop(defaults(panel).remove("max"))),
    ),
    (
        "limits that do not rise",
        Panel("System health score", |panel| {
            defaults(panel)["thresholds"]["steps"][1]["value"] = json!(90)
        }),
    ),
    (
        "another limit than the alert",
        Panel("Cache hit rates", |panel| {
            defaults(panel)["thresholds"]["steps"][1]["value"] = json!(0.8)
        }),
    ),
    (
        "red on the wrong side",
        Panel("P95 by operation", |panel| {
            defaults(panel)["thresholds"]["steps"].as_array_mut().expect("steps").reverse()
        }),
    ),
    ("an alert without its runbook", Panel("Cache hit rates", |panel| panel["links"] = json!([]))),
    (
        "a state without a text",
        Panel("Circuit breaker status", |panel| {
            drop(
                defaults(panel)["mappings"][0]["options"]
                    .as_object_mut()
                    .expect("texts")
                    .remove("2"),
            )
        }),
    ),
    (
        "a scale that cuts values off",
        Panel("Pool in use", |panel| drop(defaults(panel).insert("max".into(), json!(0.5)))),
    ),
    // Queries.
    ("no PromQL", Query("Throughput", "rate(", "rate((")),
    (
        "rate of a sum",
        Query(
            "Throughput",
            "sum by (operation) (rate(operations_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
            "rate(sum by (operation) (operations_total{job=~\"$job\", instance=~\"$instance\"})[$__rate_interval])",
        ),
    ),
    ("a fixed range", Query("Throughput", "[$__rate_interval]", "[5m]")),
    ("irate", Query("Throughput", "rate(", "irate(")),
    (
        "a counter as it is",
        Query(
            "Throughput",
            "sum by (operation) (rate(operations_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
            "sum by (operation) (operations_total{job=~\"$job\", instance=~\"$instance\"})",
        ),
    ),
    (
        "rate of a gauge",
        Query(
            "Database pool",
            "(db_client_connections{job=~\"$job\", instance=~\"$instance\"})",
            "(rate(db_client_connections{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
        ),
    ),
    ("a metric that does not exist", Query("Throughput", "operations_total", "operation_total")),
    ("a matcher on no label", Query("Pool in use", "state=", "status=")),
    ("a sum by no label", Query("Throughput", "by (operation)", "by (operations)")),
    ("a value that no label has", Query("Pool in use", "state=\"used\"", "state=\"in_use\"")),
    ("the wrong status", Query("Failed requests", "5..|", "4..|")),
    ("the wrong quantile", Query("P95 by route", "0.95", "0.5")),
    ("a quantile in percent", Query("P95 by route", "0.95", "95")),
    ("no le", Query("P95 by route", ", le)", ")")),
    ("not the chosen instances", Query("Throughput", ", instance=~\"$instance\"", "")),
    ("one job for a list", Query("Throughput", "job=~\"$job\"", "job=\"$job\"")),
    ("the mean of instances", Query("System health score", "min(", "avg(")),
    (
        "a ratio with other labels",
        Query("Failed requests", "/ (sum by (http_route)", "/ (sum by (http_request_method)"),
    ),
    ("a ratio upside down", Query("Compression", "cache_stored_bytes_total", "cache_writes_total")),
    ("the best state", Query("Circuit breaker status", "2 * circuit", "3 * circuit")),
    (
        "zero for no data",
        Query("Throughput", "sum by (operation)", "vector(0) or sum by (operation)"),
    ),
    (
        "the memory of others",
        Query(
            "Memory",
            " and on (job, instance) node0_recording_threads{job=~\"$job\", instance=~\"$instance\"}",
            "",
        ),
    ),
    ("milliseconds", Query("P95 by route", "histogram_quantile", "1000 * histogram_quantile")),
    ("not the alert's query", Query("Cache hit rates", "result=\"hit\"", "result=\"miss\"")),
    ("twice the traffic", Query("Throughput", "sum by (operation)", "2 * sum by (operation)")),
    (
        "a legend with no label",
        Panel("Throughput", |panel| panel["targets"][0]["legendFormat"] = json!("{{operations}}")),
    ),
    (
        "one name for all series",
        Panel("Requests by status", |panel| {
            panel["targets"][0]["legendFormat"] = json!("requests")
        }),
    ),
    ("no legend", Panel("Throughput", |panel| panel["targets"][0]["legendFormat"] = json!(""))),
    (
        "exemplars of a gauge",
        Panel("Memory", |panel| panel["targets"][0]["exemplar"] = json!(true)),
    ),
];

fn list(board: &mut Value) -> &mut Vec<Value> {
    board["templating"]["list"].as_array_mut().expect("the variables")
}

fn set_query(board: &mut Value, at: usize, query: &str) {
    list(board)[at]["query"]["query"] = json!(query);
    list(board)[at]["definition"] = json!(query);
}

fn alerts(board: &mut Value) -> &mut Value {
    &mut board["annotations"]["list"][0]
}

fn defaults(panel: &mut Value) -> &mut serde_json::Map<String, Value> {
    panel["fieldConfig"]["defaults"].as_object_mut().expect("the defaults")
}

fn unit(panel: &mut Value, unit: &str) {
    panel["fieldConfig"]["defaults"]["unit"] = json!(unit);
}

/// Returns a panel of the board that is not in a collapsed row.
fn panel<'a>(board: &'a mut Value, title: &str) -> &'a mut Value {
    let panels = board["panels"].as_array_mut().expect("the panels");
    panels.iter_mut().find(|panel| panel["title"] == title).expect("a panel with that title")
}

/// Returns the text of the board with the fault.
fn made(text: &str, change: &Change) -> String {
    let mut board: Value = serde_json::from_str(text).expect("the board is JSON");
    match change {
        Board(change) => change(&mut board),
        Panel(title, change) => change(panel(&mut board, title)),
        Query(title, from, to) => {
            let target = &mut panel(&mut board, title)["targets"][0]["expr"];
            let expr = grafana::text(target).replacen(from, to, 1);
            assert_ne!(grafana::text(target), expr, "{title} has no {from}");
            *target = json!(expr);
        }
        Text(from, to) => return text.replacen(from, to, 1),
    }
    format!("{board:#}\n")
}

/// Asserts that the lint or the answers of a server find each fault.
pub(crate) fn each_is_found(stage: &Stage) {
    let board = grafana::main_board();
    let text = format!("{:#}\n", board.json);
    let page = include_str!("../../../../docs/metrics.md");
    let context = Context::new(Catalogue::parse(page).expect("the list of metrics"));
    assert_eq!(lint::board_findings(&board.path, &text, &context), [""; 0]);
    let mut missed = Vec::new();
    let (mut by_lint, mut by_answers) = (0, 0);
    for (name, change) in FAULTS {
        let faulty = made(&text, change);
        assert_ne!(faulty, text, "{name} changes nothing");
        if !lint::board_findings(&board.path, &faulty, &context).is_empty() {
            by_lint += 1;
            continue;
        }
        if is_seen(stage, &board.json, &faulty) {
            by_answers += 1;
        } else {
            missed.push(*name);
        }
    }
    let figures = json!({ "faults": FAULTS.len(), "by_lint": by_lint, "by_answers": by_answers });
    testbed::prove::report(&figures).expect("the figures can be written");
    assert_eq!(missed, [""; 0], "{figures}");
    // Each of the two finds what the other cannot.
    assert!(by_lint > 0 && by_answers > 0 && FAULTS.len() >= 46, "{figures}");
}

/// Runs the queries of the panels that the fault is in.
fn is_seen(stage: &Stage, right: &Value, faulty: &str) -> bool {
    let faulty: Value = serde_json::from_str(faulty).expect("only a text changes that");
    let right = lint::panels_of(right);
    let changed: Vec<_> =
        lint::panels_of(&faulty).into_iter().filter(|panel| !right.contains(panel)).collect();
    let mut found = Vec::new();
    states::check(stage, &stage.servers[0], ("copy", &changed), &mut found);
    !found.is_empty()
}
