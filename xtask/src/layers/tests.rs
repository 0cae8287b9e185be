//! Each rule bites: small workspaces that break one, read through cargo like the real one.

use std::fs;

use tempfile::TempDir;

use super::*;

const TABLE: &[Row] = &[
    Row {
        name: "metrics-core",
        place: Place::Layer(0),
        knows: "",
        outside: Outside::Only(&["serde", "quanta"]),
        never: &["tokio"],
    },
    Row { name: "cache-monitor", place: Place::Layer(1), ..PLAIN },
    Row { name: "pool-monitor", place: Place::Layer(1), ..PLAIN },
    Row { name: "testbed", place: Place::Tests, ..PLAIN },
    Row { name: "xtask", place: Place::Tool, ..PLAIN },
];

const PLAIN: Row =
    Row { name: "", place: Place::Tests, knows: "", outside: Outside::Only(&[]), never: &[] };

/// A workspace of empty crates; outside ones lie beside it instead of in a registry.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// Lays out the crates of the table, without a single edge.
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n";
        fixture.write("ours/Cargo.toml", members);
        for row in TABLE {
            fixture.package(&fixture.home(row.name), &package_of(row.name));
        }
        for outside in ["serde", "quanta", "tokio"] {
            fixture.package(&format!("outside/{outside}"), outside);
        }
        fixture
    }

    /// Adds lines to the manifest of a crate of ours.
    fn with(self, name: &str, lines: &str) -> Self {
        let path = format!("{}/Cargo.toml", self.home(name));
        let manifest = fs::read_to_string(self.folder.path().join(&path)).expect("a manifest");
        self.write(&path, &format!("{manifest}{lines}\n"));
        self
    }

    fn home(&self, name: &str) -> String {
        if name == "xtask" { "ours/xtask".to_owned() } else { format!("ours/crates/{name}") }
    }

    fn package(&self, home: &str, name: &str) {
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        self.write(&format!("{home}/Cargo.toml"), &manifest);
        self.write(&format!("{home}/src/lib.rs"), "");
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Reads the workspace as the check does and applies the rules.
    fn findings(&self, table: &[Row]) -> Findings {
        let workspace = Workspace::at(&self.folder.path().join("ours"));
        let lock = workspace.cargo(&["generate-lockfile", "--offline"]).output();
        assert!(lock.expect("cargo runs").status.success());
        rules::findings(table, &Graph::read(&workspace).expect("metadata"))
    }

    /// Expects exactly one finding, which contains all of `words`.
    #[track_caller]
    fn check_finding(&self, words: &[&str]) {
        let findings = self.findings(TABLE);
        assert_eq!(findings.len(), 1, "{findings:?}");
        for word in words {
            assert!(findings[0].contains(word), "{:?} does not say {word:?}", findings[0]);
        }
    }
}

fn package_of(name: &str) -> String {
    if name == "xtask" { name.to_owned() } else { format!("node0-{name}") }
}

/// A dependency on a crate of ours, in a section of the manifest.
fn edge(section: &str, to: &str) -> String {
    format!("[{section}]\nnode0-{to} = {{ path = \"../{to}\" }}")
}

/// A dependency on an outside crate.
fn outside(name: &str) -> String {
    format!("[dependencies]\n{name} = {{ path = \"../../../outside/{name}\" }}")
}

#[test]
fn workspace_without_bad_edges_has_no_findings() {
    let fixture = Fixture::new()
        .with("metrics-core", &outside("serde"))
        .with("cache-monitor", &edge("dependencies", "metrics-core"))
        .with("cache-monitor", &edge("dev-dependencies", "testbed"))
        .with("metrics-core", &edge("dev-dependencies", "testbed"));
    assert_eq!(fixture.findings(TABLE), Findings::new());
}

#[test]
fn upward_edge_is_found() {
    for section in ["dependencies", "build-dependencies"] {
        Fixture::new().with("metrics-core", &edge(section, "cache-monitor")).check_finding(&[
            "`metrics-core` (0) → `cache-monitor` (1)",
            "points up",
            "move",
        ]);
    }
}

#[test]
fn sibling_edge_is_found() {
    Fixture::new().with("cache-monitor", &edge("dependencies", "pool-monitor")).check_finding(&[
        "`cache-monitor` → `pool-monitor`",
        "siblings",
        "lower layer",
    ]);
}

#[test]
fn upward_dev_edge_is_found() {
    Fixture::new()
        .with("metrics-core", &edge("dev-dependencies", "cache-monitor"))
        .check_finding(&["dev edge `metrics-core` (0) → `cache-monitor` (1)", "move the test"]);
}

#[test]
fn optional_outside_crate_that_is_not_listed_is_found() {
    let optional = "[dependencies]\ntokio = { path = \"../../../outside/tokio\", optional = true }";
    Fixture::new()
        .with("cache-monitor", optional)
        .check_finding(&["`cache-monitor` → `tokio`", "LAYERS"]);
}

#[test]
fn crate_that_is_not_in_the_table_is_found() {
    let fixture = Fixture::new();
    fixture.package("ours/crates/helpers", "node0-helpers");
    fixture.check_finding(&["`helpers` is not in the table", "add a row"]);
}

#[test]
fn row_without_a_crate_is_found() {
    let gone = [TABLE, &[Row { name: "gone", ..PLAIN }]].concat();
    let findings = Fixture::new().findings(&gone);
    assert!(findings.len() == 1 && findings[0].contains("`gone`"), "{findings:?}");
}

#[test]
fn runtime_behind_a_permitted_crate_is_found() {
    let fixture = Fixture::new().with("metrics-core", &outside("quanta"));
    let behind = "[dependencies]\ntokio = { path = \"../tokio\" }\n";
    let manifest = "[package]\nname = \"quanta\"\nedition = \"2024\"\n";
    fixture.write("outside/quanta/Cargo.toml", &format!("{manifest}{behind}"));
    fixture.check_finding(&["`metrics-core` reaches `tokio`", "cargo tree -i tokio"]);
}

#[test]
fn dependency_on_the_testbed_is_found() {
    Fixture::new()
        .with("cache-monitor", &edge("dependencies", "testbed"))
        .check_finding(&["`cache-monitor` → `testbed`", "[dev-dependencies]"]);
}

#[test]
fn testbed_that_names_our_crates_is_found() {
    Fixture::new()
        .with("testbed", &edge("dependencies", "metrics-core"))
        .check_finding(&["`testbed` → `metrics-core`", "without our crates"]);
}

#[test]
fn package_with_another_name_is_found() {
    let fixture = Fixture::new();
    fixture.package("ours/crates/testbed", "testbed");
    fixture.check_finding(&["`testbed`", "call it `node0-testbed`"]);
}

#[test]
fn this_workspace_obeys_its_table() {
    let findings = check(&Workspace::of_this_build()).expect("metadata");
    assert_eq!(findings, Findings::new());
}
