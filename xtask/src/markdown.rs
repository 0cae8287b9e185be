//! Checks the documents that people write: no dead link or path, and no crate left out.
//!
//! Nobody who adds, moves or renames a file rereads every document. So the check looks up each
//! relative link and each path in backquotes. It also requires that README.md lists every crate
//! that users can depend on, and that the code map of ARCHITECTURE.md has it.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::verdict::Findings;
use crate::workspace::Workspace;

const README: &str = "README.md";
const ARCHITECTURE: &str = "ARCHITECTURE.md";
/// A path in backquotes begins with one of these, and is relative to the root.
const FOLDERS: [&str; 7] =
    ["alerts/", "bench/", "crates/", "dashboards/", "docs/", "examples/", "xtask/"];
/// Crates that are published only because the demo needs them.
const NOT_FOR_USERS: [&str; 1] = ["local-postgres"];

/// Checks all documents.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::new();
    for document in documents(workspace)? {
        let text = workspace.read(&document)?;
        let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
        let linked = links(&text).map(|link| folder.join(link));
        for target in linked.chain(paths(&text).map(Into::into)) {
            let resolved = workspace.path("").join(&target);
            // A user may delete the examples.
            let may_be_gone = !workspace.has_examples() && is_example(&target);
            if !resolved.exists() && !may_be_gone {
                findings.push(format!("{document}: there is no `{}`", target.display()));
            }
        }
    }
    findings.extend(unlisted(workspace)?);
    Ok(findings)
}

/// Returns the documents at the root and in `docs`, sorted.
fn documents(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in ["", "docs/"] {
        for entry in fs::read_dir(workspace.path(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                found.push(format!("{folder}{name}"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the targets of the links to files, without `#section`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://"));
    files.filter_map(|target| target.split('#').next()).filter(|path| !path.is_empty())
}

/// Returns the paths in backquotes; one with a placeholder, such as `docs/*.md`, is no path.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_of_a_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    text.split('`').filter(move |code| {
        FOLDERS.iter().any(|folder| code.starts_with(folder)) && code.chars().all(is_of_a_path)
    })
}

fn is_example(target: &Path) -> bool {
    target.components().any(|part| part.as_os_str() == "examples")
}

/// Returns a finding for each crate that the documents leave out.
fn unlisted(workspace: &Workspace) -> Result<Findings> {
    let (readme, architecture) = (workspace.read(README)?, workspace.read(ARCHITECTURE)?);
    let mut findings = Findings::new();
    for name in workspace.folders("crates")? {
        let manifest = workspace.read(&format!("crates/{name}/Cargo.toml"))?;
        if manifest.contains("publish = false") || NOT_FOR_USERS.contains(&&*name) {
            continue;
        }
        let package = if name == "node0" { name.clone() } else { format!("node0-{name}") };
        if !readme.contains(&format!("\n| `{package}` | ")) {
            findings.push(format!("{README}: add `{package}` to the table below 'One part of it'"));
        }
        if !architecture.contains(&format!("**{name}**")) {
            findings.push(format!("{ARCHITECTURE}: add **{name}** to the code map"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a workspace with the crate `pool`, the file docs/pool.md and a README.
    #[track_caller]
    fn check_readme(readme: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        for (path, text) in [
            ("crates/pool/Cargo.toml", "[package]\n"),
            ("docs/pool.md", "[Back](../README.md), `docs/pool.md`\n"),
            (ARCHITECTURE, "**pool**"),
            (README, &format!("{readme}\n| `node0-pool` | pools |\n")),
        ] {
            workspace.write(path, text).expect("a file");
        }
        assert_eq!(check(&workspace).expect("readable files"), expected);
    }

    #[test]
    fn targets_that_exist_are_accepted() {
        check_readme("[Pools](docs/pool.md#waits), [up](#top), [out](https://a.b/c)", &[]);
        check_readme("`crates/pool`, `docs/*.md`, `cargo add docs/x`", &[]);
    }

    #[test]
    fn dead_link_and_dead_path_are_found() {
        check_readme("[Pools](pool.md)", &["README.md: there is no `pool.md`"]);
        check_readme("See `crates/gone`.", &["README.md: there is no `crates/gone`"]);
    }

    #[test]
    fn link_to_an_example_is_accepted_where_the_examples_were_deleted() {
        check_readme("[Queue](examples/queue)", &[]);
    }

    #[test]
    fn crate_that_the_documents_leave_out_is_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        for (path, text) in [
            ("crates/pool/Cargo.toml", "[package]\n"),
            ("crates/demo/Cargo.toml", "[package]\npublish = false\n"),
            ("docs/pool.md", ""),
            (ARCHITECTURE, "`pool`"),
            (README, "`node0-pool` watches pools."),
        ] {
            workspace.write(path, text).expect("a file");
        }
        let expected = [
            "README.md: add `node0-pool` to the table below 'One part of it'",
            "ARCHITECTURE.md: add **pool** to the code map",
        ];
        assert_eq!(check(&workspace).expect("readable files"), expected);
    }

    #[test]
    fn documents_of_this_workspace_are_complete() {
        let findings = check(&Workspace::of_this_build()).expect("readable files");
        assert_eq!(findings, Findings::new());
    }
}
