//! Small workspaces, which the check reads through cargo like the real one.

use std::fs;

use tempfile::TempDir;

use super::super::*;
use crate::layers::role::Role;
use crate::layers::row::BY_ROLE;

pub(super) const TABLE: &[Row] = &[
    Row {
        role: Role::Core,
        name: "metrics-core",
        outside: Outside::Only(&["quanta", "serde"]),
        never: &[&["tokio"]],
        ..PLAIN
    },
    Row { role: Role::Monitor, name: "cache-monitor", ..PLAIN },
    Row { role: Role::Monitor, name: "pool-monitor", ..PLAIN },
    Row { role: Role::Engine, name: "aggregator", ..PLAIN },
    Row { role: Role::Reader, name: "exporter", ..PLAIN },
    Row { role: Role::Surface, name: "http-glue", ..PLAIN },
    Row { role: Role::Facade, name: "node0", ..PLAIN },
    Row { name: "testbed", ours: Ours::Only(&[]), ..PLAIN },
    Row { name: "xtask", ours: Ours::Only(&[]), ..PLAIN },
];

pub(super) const PLAIN: Row = Row { role: Role::Program, ..BY_ROLE };

/// A workspace of empty crates, beside folders with empty outside crates.
pub(super) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// Creates the crates of the table; the core uses every crate that it may, the others none.
    pub(super) fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n";
        fixture.write("ours/Cargo.toml", members);
        for row in TABLE {
            fixture.package(&format!("ours/{}", row.home()), &row.package());
        }
        for outside in ["loom", "serde", "quanta", "tokio"] {
            fixture.package(&format!("outside/{outside}"), outside);
        }
        let fixture = fixture.with("metrics-core", &outside("quanta"));
        fixture.with("metrics-core", &outside("serde"))
    }

    /// Adds a dependency to a crate of the workspace, and a `use` of it to the crate's code.
    pub(super) fn with(self, name: &str, dependency: &str) -> Self {
        let (section, _) = dependency.split_once(']').expect("a section");
        let (kind, dependency_name) = section.rsplit_once('.').expect("a name");
        if !kind.contains("dev-") {
            let used = format!("use {} as _;\n", dependency_name.replace('-', "_"));
            self.append(&format!("ours/crates/{name}/src/lib.rs"), &used);
        }
        self.with_unused(name, dependency)
    }

    /// Adds lines to the manifest of a crate of the workspace.
    pub(super) fn with_unused(self, name: &str, lines: &str) -> Self {
        self.append(&format!("ours/crates/{name}/Cargo.toml"), &format!("{lines}\n"));
        self
    }

    fn append(&self, path: &str, lines: &str) {
        let text = fs::read_to_string(self.folder.path().join(path)).expect("a file");
        self.write(path, &format!("{text}{lines}"));
    }

    /// Adds an empty package.
    pub(super) fn package(&self, home: &str, name: &str) {
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        self.write(&format!("{home}/Cargo.toml"), &manifest);
        self.write(&format!("{home}/src/lib.rs"), "");
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        Workspace::at(self.folder.path()).write(path, text).expect("a file");
    }

    /// Reads the workspace as the check does, and returns the findings.
    pub(super) fn findings(&self, table: &[Row]) -> Findings {
        let workspace = Workspace::at(&self.folder.path().join("ours"));
        let lock = workspace.cargo(&["generate-lockfile", "--offline"]).output();
        assert!(lock.expect("cargo runs").status.success());
        findings(table, &workspace).expect("a readable workspace")
    }

    /// Asserts that there is exactly one finding, which contains all of `words`.
    #[track_caller]
    pub(super) fn check_finding(&self, words: &[&str]) {
        self.check_finding_of(TABLE, words);
    }

    /// Asserts the same of a check against another table.
    #[track_caller]
    pub(super) fn check_finding_of(&self, table: &[Row], words: &[&str]) {
        let findings = self.findings(table);
        assert_eq!(findings.len(), 1, "{findings:?}");
        for word in words {
            assert!(findings[0].contains(word), "{:?} does not say {word:?}", findings[0]);
        }
    }
}

/// Returns the table with `row` in place of the row of the same name, or at the end.
pub(super) fn table_with(row: Row) -> Vec<Row> {
    let others = TABLE.iter().filter(|it| it.name != row.name);
    others.copied().chain([row]).collect()
}

/// Returns the manifest lines of a dependency on a crate of the workspace.
pub(super) fn edge(section: &str, to: &str) -> String {
    format!("[{section}.node0-{to}]\npath = \"../{to}\"")
}

/// Returns the manifest lines of a dependency on an outside crate.
pub(super) fn outside(name: &str) -> String {
    format!("[dependencies.{name}]\npath = \"../../../outside/{name}\"")
}
