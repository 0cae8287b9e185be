//! The boards are generated from the crates' definitions, and mistakes in these are told.

use std::fs;
use std::path::Path;

use mixin::lint::{self, Context};
use mixin::{Catalogue, documents, findings};
use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

const QUEUES: &str = r#"
[board]
title = "Queues"
description = "Job queues."

[[rows]]
title = "Job queues"
section = "resources"
place = 60

[[rows.panels]]
title = "Jobs in the queue"
shows = "Jobs that wait, in the instance with the most."
good = "Below 100."
act = "Add workers, or slow down who fills the queue."
kind = "timeseries"
unit = "short"
width = 8
no_value = "No queue is watched"
[[rows.panels.queries]]
expr = 'max by (queue) (queue_length)'
legend = "{{queue}}"
"#;

/// Returns a workspace with the definitions of this one, and one more.
fn with_definition(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sources: Vec<_> = fs::read_dir(Path::new(ROOT).join("crates"))
        .expect("the crates")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("panels.toml").exists())
        .collect();
    sources.sort();
    for source in sources {
        let name = source.file_name().expect("a folder has a name");
        let to = folder.path().join("crates").join(name);
        fs::create_dir_all(&to).expect("a folder");
        fs::copy(source.join("panels.toml"), to.join("panels.toml")).expect("a copy");
    }
    let to = folder.path().join("crates/queue-monitor");
    fs::create_dir_all(&to).expect("a folder");
    fs::write(to.join("panels.toml"), text).expect("a file");
    folder
}

#[track_caller]
fn check_refused(definition: &str, expected: &str) {
    let error = documents(with_definition(definition).path()).expect_err("it cannot be used");
    assert!(error.to_string().contains(expected), "{error}");
}

fn board(root: &Path, path: &str) -> Value {
    let documents = documents(root).expect("they are generated");
    let document = documents.iter().find(|it| it.path == path).expect("the board");
    serde_json::from_str(&document.text).expect("a board is JSON")
}

fn metrics() -> String {
    fs::read_to_string(Path::new(ROOT).join("docs/metrics.md")).expect("the list of metrics")
}

#[test]
fn generated_twice_the_files_are_the_same() {
    let root = Path::new(ROOT);
    assert_eq!(documents(root).expect("once"), documents(root).expect("twice"));
}

#[test]
fn another_crate_with_panels_gets_its_row_and_its_board() {
    let folder = with_definition(QUEUES);
    let main = board(folder.path(), "dashboards/performance.json");
    let rows: Vec<_> = main["panels"].as_array().expect("panels").iter().collect();
    let titles: Vec<_> = rows.iter().filter_map(|panel| panel["title"].as_str()).collect();
    assert!(titles.contains(&"Job queues"), "{titles:?}");
    let small = board(folder.path(), "dashboards/queue-monitor.json");
    let panels = lint::panels_of(&small);
    assert_eq!(
        lint::targets_of(panels[0])[0]["expr"],
        r#"max by (queue) (queue_length{job=~"$job", instance=~"$instance"})"#
    );
    let metric = "| `queue_length` | gauge | `queue` |  | Jobs. |\n";
    let context = Context::new(Catalogue::parse(&(metrics() + metric)).expect("a list"));
    for (path, board) in [("main", main), ("small", small)] {
        let findings = lint::board_findings(path, &format!("{board:#}\n"), &context);
        assert_eq!(findings, [""; 0]);
    }
}

#[test]
fn mistakes_in_a_definition_are_told_with_file_and_line() {
    check_refused(&QUEUES.replace("width = 8", "widht = 8"), "crates/queue-monitor/panels.toml: ");
    check_refused(&QUEUES.replace("width = 8", "widht = 8"), "line 18");
    check_refused(
        &QUEUES.replace("max by (queue) (", "max by (queue) (("),
        "crates/queue-monitor/panels.toml:21: `max by (queue) ((queue_length)` is no PromQL",
    );
    check_refused(
        &QUEUES.replace("width = 8", "width = 8\nalert = { rule = \"Nosuch\", legend = \"a\" }"),
        "crates/queue-monitor/panels.toml:19: there is no rule `Nosuch`",
    );
    let (without, _) = QUEUES.split_once("[[rows.panels.queries]]").expect("a query");
    check_refused(without, "has no query: add `queries` or `alert`");
}

#[test]
fn metric_that_is_renamed_is_found_in_board_rule_and_document() {
    // A counter, two gauges, one of them of states, and a histogram.
    for (name, panel, alert, page) in [
        ("operations_total", "Throughput", "ThroughputCollapsed", "docs/runbooks/"),
        ("process_resident_memory_bytes", "Memory", "HighMemory", "docs/runbooks/"),
        ("circuit_breaker_state", "Circuit breaker status", "CircuitOpen", "README.md:"),
        (
            "operation_duration_seconds",
            "Latency by operation",
            "HighP95Latency",
            "docs/history.md:",
        ),
    ] {
        let renamed = metrics().replace(&format!("| `{name}` "), "| `another_name` ");
        let findings = findings(Path::new(ROOT), &renamed).expect("they are read");
        let board =
            format!("dashboards/performance.json, panel `{panel}`: there is no metric `{name}");
        let rule = format!("alert {alert}: names `{name}");
        for place in [&*board, &rule, page] {
            assert!(findings.iter().any(|it| it.starts_with(place)), "{place}: {findings:#?}");
        }
    }
}

#[test]
fn every_metric_is_on_the_main_board() {
    let main = board(Path::new(ROOT), "dashboards/performance.json").to_string();
    let catalogue = Catalogue::parse(&metrics()).expect("a list");
    let unseen: Vec<_> = catalogue.names().filter(|name| !main.contains(*name)).collect();
    assert_eq!(unseen, [""; 0]);
}
