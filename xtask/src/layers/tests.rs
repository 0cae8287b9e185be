//! Each test breaks one rule in a small workspace and expects the finding that names it.

mod fixture;
mod manifests;
mod sizes;

use self::fixture::{Fixture, PLAIN, TABLE, edge, outside, table_with};
use super::*;

#[test]
fn workspace_without_bad_edges_has_no_findings() {
    let fixture = Fixture::new()
        .with("cache-monitor", &edge("dependencies", "metrics-core"))
        .with("http-glue", &edge("dependencies", "metrics-core"))
        .with("http-glue", &edge("dependencies", "exporter"))
        .with("node0", &edge("dependencies", "http-glue"))
        .with("node0", &edge("dependencies", "cache-monitor"))
        .with("cache-monitor", &edge("dev-dependencies", "testbed"))
        .with("metrics-core", &edge("dev-dependencies", "testbed"));
    assert_eq!(fixture.findings(TABLE), Findings::new());
}

#[test]
fn upward_edge_is_found() {
    for section in ["dependencies", "build-dependencies"] {
        Fixture::new().with("metrics-core", &edge(section, "cache-monitor")).check_finding(&[
            "`metrics-core` (core) → `cache-monitor` (monitor)",
            "points up",
            "move what `metrics-core` needs",
        ]);
    }
}

#[test]
fn sibling_edge_is_found() {
    for section in ["dependencies", "build-dependencies"] {
        Fixture::new().with("cache-monitor", &edge(section, "pool-monitor")).check_finding(&[
            "`cache-monitor` (monitor) → `pool-monitor` (monitor)",
            "siblings never know each other",
            "move what both need to an earlier role",
        ]);
    }
}

#[test]
fn edge_that_the_role_does_not_allow_is_found() {
    Fixture::new().with("http-glue", &edge("dependencies", "cache-monitor")).check_finding(&[
        "`http-glue` (surface) → `cache-monitor` (monitor)",
        "a surface may use core, log, engine, reader, outlet, layer, server only",
        "through a trait or type of the core",
    ]);
    Fixture::new().with("exporter", &edge("dependencies", "aggregator")).check_finding(&[
        "`exporter` (reader) → `aggregator` (engine)",
        "a reader may use core, codec only",
        "through a trait or type of the core",
    ]);
}

#[test]
fn row_can_allow_an_earlier_role_that_the_role_does_not() {
    let both = Ours::Only(&["aggregator", "metrics-core"]);
    let table = table_with(Row { role: Role::Reader, name: "exporter", ours: both, ..PLAIN });
    let fixture = Fixture::new().with("exporter", &edge("dependencies", "aggregator"));
    fixture.check_finding_of(&table, &["`exporter` → `metrics-core`: unused allowance", "take"]);
    let fixture = fixture.with("exporter", &edge("dependencies", "metrics-core"));
    assert_eq!(fixture.findings(&table), Findings::new());
}

#[test]
fn row_cannot_allow_a_sibling() {
    let sibling = Ours::Only(&["pool-monitor"]);
    let table =
        table_with(Row { role: Role::Monitor, name: "cache-monitor", ours: sibling, ..PLAIN });
    Fixture::new()
        .with("cache-monitor", &edge("dependencies", "pool-monitor"))
        .check_finding_of(&table, &["siblings never know each other"]);
}

#[test]
fn monitor_behind_an_outside_crate_is_found() {
    let fixture = Fixture::new().with("cache-monitor", &outside("tokio"));
    let behind = "[dependencies.node0-pool-monitor]\npath = \"../../ours/crates/pool-monitor\"\n";
    let manifest = "[package]\nname = \"tokio\"\nedition = \"2024\"\n";
    fixture.write("outside/tokio/Cargo.toml", &format!("{manifest}{behind}"));
    let only = Outside::Only(&["tokio"]);
    let table =
        table_with(Row { role: Role::Monitor, name: "cache-monitor", outside: only, ..PLAIN });
    fixture.check_finding_of(
        &table,
        &[
            "`cache-monitor` (monitor) → `pool-monitor` (monitor)",
            "reached through other crates",
            "cargo tree -i node0-pool-monitor",
        ],
    );
}

#[test]
fn dev_edge_that_closes_a_circle_is_found() {
    Fixture::new().with("metrics-core", &edge("dev-dependencies", "cache-monitor")).check_finding(
        &[
            "dev edge `metrics-core` (core) → `cache-monitor` (monitor)",
            "closes a circle",
            "move the test to `cache-monitor`",
        ],
    );
}

#[test]
fn dev_edge_up_that_closes_no_circle_is_allowed() {
    let fixture = Fixture::new().with("cache-monitor", &edge("dev-dependencies", "exporter"));
    assert_eq!(fixture.findings(TABLE), Findings::new());
}

#[test]
fn sibling_dev_edge_is_found() {
    Fixture::new().with("cache-monitor", &edge("dev-dependencies", "pool-monitor")).check_finding(
        &[
            "dev edge `cache-monitor` (monitor) → `pool-monitor` (monitor)",
            "siblings",
            "the facade",
        ],
    );
}

#[test]
fn crate_that_is_not_in_the_table_is_found() {
    let fixture = Fixture::new();
    fixture.package("ours/crates/helpers", "node0-helpers");
    fixture.check_finding(&["`helpers` is not in the table", "add a row"]);
}

#[test]
fn row_without_a_crate_is_found() {
    let table = table_with(Row { name: "gone", ..PLAIN });
    let words = ["the table lists `gone`", "the workspace has none", "drop its row"];
    Fixture::new().check_finding_of(&table, &words);
}

#[test]
fn runtime_behind_a_permitted_crate_is_found() {
    let fixture = Fixture::new();
    let behind = "[dependencies]\ntokio = { path = \"../tokio\" }\n";
    let manifest = "[package]\nname = \"quanta\"\nedition = \"2024\"\n";
    fixture.write("outside/quanta/Cargo.toml", &format!("{manifest}{behind}"));
    fixture.check_finding(&["`metrics-core` reaches `tokio`", "must never", "cargo tree -i tokio"]);
}

#[test]
fn dependency_on_the_testbed_is_found() {
    Fixture::new().with("cache-monitor", &edge("dependencies", "testbed")).check_finding(&[
        "`cache-monitor` (monitor) → `testbed` (program)",
        "no library depends on a program",
        "[dev-dependencies]",
    ]);
}

#[test]
fn testbed_that_names_our_crates_is_found() {
    Fixture::new().with("testbed", &edge("dependencies", "metrics-core")).check_finding(&[
        "`testbed` (program) → `metrics-core` (core)",
        "must build without our crates",
        "[dev-dependencies]",
    ]);
}

#[test]
fn code_from_a_file_of_any_place_is_found() {
    let fixture = Fixture::new();
    let text = "#[path = \"../../pool-monitor/src/a.rs\"]\nmod a;\n";
    fixture.write("ours/crates/exporter/src/lib.rs", text);
    fixture.check_finding(&["crates/exporter/src/lib.rs: `#[path]` hides", "where its file lies"]);
}

#[test]
fn rows_stand_in_order_of_roles() {
    assert!(LAYERS.is_sorted_by_key(|row| row.role));
}

#[test]
fn this_workspace_obeys_its_table() {
    let findings = check(&Workspace::of_this_build()).expect("metadata");
    assert_eq!(findings, Findings::new());
}
