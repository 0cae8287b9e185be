//! Looks up the tests that documents name.
//!
//! When a test is renamed, the documents that name it become wrong. So a document names its
//! tests in a form that can be checked: `crate::module::name` for a test function, and
//! `doc:path.rs` for a file whose documentation has an example.

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Looks a test up; returns a description of the fault if it does not exist.
pub(crate) fn problem_with(workspace: &Workspace, test: &str) -> Result<Option<&'static str>> {
    if let Some(path) = test.strip_prefix("doc:") {
        let text = workspace.read(path).unwrap_or_default();
        let has_example =
            text.lines().any(|line| line.trim_start().starts_with("//") && line.contains("```"));
        return Ok((!has_example).then_some("is no file with an example in its documentation"));
    }
    let segments: Vec<&str> = test.split("::").collect();
    let [folder, modules @ .., name] = &segments[..] else {
        return Ok(Some("is not of the form crate::module::test"));
    };
    let home = if *folder == "xtask" { "xtask".to_owned() } else { format!("crates/{folder}") };
    if !workspace.path(&home).is_dir() {
        return Ok(Some("names no crate of the workspace"));
    }
    for path in workspace.rust_sources(&home)? {
        let text = workspace.read(&path).with_context(|| format!("for `{test}`"))?;
        let leads_here = |module: &&str| {
            path.split(['/', '.']).any(|part| part == *module)
                || text.contains(&format!("mod {module}"))
        };
        if modules.iter().all(leads_here) && holds_test(&text, name) {
            return Ok(None);
        }
    }
    Ok(Some("does not exist: name the test that proves it now"))
}

/// Returns `true` if the text has a function of that name with a test attribute.
fn holds_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest = line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('('))
    };
    let found = lines.iter().enumerate().filter(|(_, line)| is_it(line));
    found.into_iter().any(|(at, _)| {
        let above = lines[..at].iter().rev();
        let mut attributes =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        attributes.any(|line| {
            let path = line.trim_start_matches("#[").split(['(', ']']).next().unwrap_or_default();
            line.starts_with("#[") && path.rsplit("::").next() == Some("test")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "mod outcomes {\n    #[test]\n    fn dropped_wait_is_counted() {}\n\
                          \n    fn helper() {}\n\n    #[tokio::test(start_paused = true)]\n\
                          \x20   async fn waits() {}\n}\n";

    /// Looks a name up in a workspace with one crate.
    #[track_caller]
    fn check(test: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        workspace.write("crates/pool/tests/it/main.rs", SOURCE).expect("a source");
        workspace.write("crates/pool/src/lib.rs", "//! ```\n//! ```\n").expect("a source");
        let problem = problem_with(&workspace, test).expect("readable sources");
        match expected {
            None => assert_eq!(problem, None),
            Some(words) => assert!(problem.is_some_and(|it| it.contains(words)), "{problem:?}"),
        }
    }

    #[test]
    fn tests_that_exist_are_found() {
        check("pool::it::outcomes::dropped_wait_is_counted", None);
        check("pool::it::waits", None);
        check("doc:crates/pool/src/lib.rs", None);
    }

    #[test]
    fn names_that_lead_nowhere_are_told_why() {
        check("pool::it::gone", Some("does not exist"));
        check("pool::elsewhere::waits", Some("does not exist"));
        check("pool::it::helper", Some("does not exist"));
        check("cache::it::waits", Some("names no crate"));
        check("waits", Some("is not of the form"));
        check("doc:crates/pool/tests/it/main.rs", Some("no file with an example"));
    }
}
