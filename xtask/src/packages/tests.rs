//! Each test breaks one rule in a small workspace, and expects the finding that names it.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::workspace::output_of;

/// A workspace with the published packages `node0-core` and `node0-pool`, which uses the first
/// one, and `node0-helper`, which is not published.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fixture.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
        for licence in LICENCES {
            fixture.write(licence, licence);
        }
        fixture.package("core", PUBLISHED);
        fixture.package("helper", "publish = false\n");
        fixture.package("pool", &format!("{PUBLISHED}{CORE}"));
        fixture
    }

    /// Adds a package with these lines in its manifest.
    fn package(&self, name: &str, lines: &str) {
        let manifest = format!(
            "[package]\nname = \"node0-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             description = \"d\"\nlicense = \"MIT OR Apache-2.0\"\nrepository = \"https://a.b/c\"\n{lines}"
        );
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        self.write(&format!("crates/{name}/src/lib.rs"), "//! Watches.\n");
        let readme = front_page::readme(&format!("node0-{name}"), "//! Watches.\n");
        self.write(&format!("crates/{name}/README.md"), &readme);
        for licence in LICENCES {
            let link = self.workspace().path(&format!("crates/{name}")).join(licence);
            if !link.exists() {
                symlink(format!("../../{licence}"), link).expect("a link");
            }
        }
    }

    fn workspace(&self) -> Workspace {
        Workspace::at(self.folder.path())
    }

    fn write(&self, path: &str, text: &str) {
        self.workspace().write(path, text).expect("a file");
    }

    fn findings(&self) -> Findings {
        let workspace = self.workspace();
        output_of(&mut workspace.cargo(&["generate-lockfile", "--offline"])).expect("a lock file");
        check(&workspace).expect("a readable workspace")
    }

    /// Asserts that there is exactly one finding, which contains all of `words`.
    #[track_caller]
    fn check_finding(&self, words: &[&str]) {
        let findings = self.findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        for word in words {
            assert!(findings[0].contains(word), "{:?} does not say {word:?}", findings[0]);
        }
    }
}

const PUBLISHED: &str = "[package.metadata.docs.rs]\nall-features = true\n";
const CORE: &str = "[dependencies]\nnode0-core = { path = \"../core\", version = \"0.1.0\" }\n";

#[test]
fn complete_packages_are_accepted_and_made() {
    let fixture = Fixture::new();
    let helper = "[dev-dependencies]\nnode0-helper = { path = \"../helper\" }\n";
    fixture.package("pool", &format!("{PUBLISHED}{CORE}{helper}"));
    assert_eq!(fixture.findings(), Findings::new());
    let made = fixture.workspace().path("target/package/node0-pool-0.1.0.crate");
    assert!(made.is_file());
    assert!(!fixture.workspace().path("target/package/node0-helper-0.1.0.crate").exists());
}

#[test]
fn library_with_another_name_is_found() {
    let fixture = Fixture::new();
    fixture.package("core", &format!("{PUBLISHED}[lib]\nname = \"core_numbers\"\n"));
    fixture.check_finding(&["`node0-core`", "target of its log messages, is `core_numbers`"]);
}

#[test]
fn missing_features_on_docs_rs_are_found() {
    let fixture = Fixture::new();
    for lines in ["", "[package.metadata.docs.rs]\nall-features = false\n"] {
        fixture.package("core", lines);
        fixture.check_finding(&["`node0-core`: docs.rs would leave out", "all-features = true"]);
    }
}

#[test]
fn dependency_that_users_cannot_get_is_found() {
    let fixture = Fixture::new();
    for (section, to, version, words) in [
        ("dependencies", "helper", ", version = \"0.1.0\"", "publish it, or use it in tests only"),
        ("build-dependencies", "helper", "", "publish it, or use it in tests only"),
        ("dev-dependencies", "helper", ", version = \"0.1.0\"", "leave out its version"),
        ("dependencies", "core", "", "write its version"),
    ] {
        let line = format!("[{section}]\nnode0-{to} = {{ path = \"../{to}\"{version} }}\n");
        fixture.package("pool", &format!("{PUBLISHED}{line}"));
        fixture.check_finding(&[&format!("`node0-pool` → `node0-{to}`: "), words]);
    }
}

#[test]
fn missing_or_other_licence_is_found() {
    let fixture = Fixture::new();
    let words = ["`node0-core`: its package lacks the licence", "ln -s ../../LICENSE-MIT ."];
    let link = fixture.workspace().path("crates/core/LICENSE-MIT");
    std::fs::remove_file(&link).expect("a link");
    fixture.check_finding(&words);
    fixture.write("crates/core/LICENSE-MIT", "mine");
    fixture.check_finding(&words);
    fixture.write("crates/core/LICENSE-MIT", "LICENSE-MIT");
    assert_eq!(fixture.findings(), Findings::new());
    let without = format!("exclude = [\"LICENSE-MIT\"]\n{PUBLISHED}");
    fixture.package("core", &without);
    fixture.check_finding(&words);
}

#[test]
fn stale_or_missing_readme_is_found() {
    let fixture = Fixture::new();
    let words = ["crates/core/README.md is stale", "cargo xtask generate"];
    fixture.write("crates/core/src/lib.rs", "//! Watches more.\n");
    fixture.check_finding(&words);
    std::fs::remove_file(fixture.workspace().path("crates/core/README.md")).expect("a file");
    fixture.check_finding(&words);
}

#[test]
fn readme_that_a_manifest_names_is_nobody_elses() {
    let fixture = Fixture::new();
    fixture.write("README.md", "All of it.\n");
    fixture.package("core", &format!("readme = \"../../README.md\"\n{PUBLISHED}"));
    std::fs::remove_file(fixture.workspace().path("crates/core/README.md")).expect("a file");
    assert_eq!(fixture.findings(), Findings::new());
}

#[test]
fn what_cargo_refuses_is_told_with_its_words() {
    let fixture = Fixture::new();
    fixture.package("pool", &format!("readme = \"GONE.md\"\n{PUBLISHED}{CORE}"));
    fixture.check_finding(&["`node0-pool`: cargo cannot list its files", "GONE.md"]);

    let outside = tempfile::tempdir().expect("a temporary folder");
    let manifest = "[package]\nname = \"outside\"\nedition = \"2024\"\n";
    Workspace::at(outside.path()).write("Cargo.toml", manifest).expect("a file");
    Workspace::at(outside.path()).write("src/lib.rs", "").expect("a file");
    let without_version =
        format!("[dependencies]\noutside = {{ path = \"{}\" }}\n", outside.path().display());
    fixture.package("pool", &format!("{PUBLISHED}{without_version}"));
    fixture.check_finding(&["node0-pool", "`outside` does not specify a version"]);
}

#[test]
fn packages_of_this_workspace_are_complete() {
    let findings = check(&Workspace::of_this_build()).expect("readable files");
    assert_eq!(findings, Findings::new());
}
