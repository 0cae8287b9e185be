//! Each statement of the request has a test that proves it.
//!
//! `docs/parity.md` is a table of statements and tests. A list of promises drifts from
//! the code as soon as a test is renamed, so every named test is looked up: as a test
//! function `crate::module::name`, or as documentation with an example, `doc:path.rs`.
//! What is not built yet says `later`.

use anyhow::{Context as _, Result};

use crate::verdict::Findings;
use crate::workspace::Workspace;

const DOCUMENT: &str = "docs/parity.md";

/// Looks up every test of the table.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::new();
    for row in rows(&workspace.read(DOCUMENT)?) {
        let at = format!("{DOCUMENT}:{}", row.line);
        if row.statement.is_empty() || row.tests.is_empty() {
            findings.push(format!("{at}: a row needs a statement and a test, or `later`"));
        }
        for test in row.tests.iter().filter(|test| *test != "later") {
            if let Some(problem) = problem_with(workspace, test)? {
                findings.push(format!("{at}: `{test}` {problem}"));
            }
        }
    }
    Ok(findings)
}

/// One line of the table.
#[derive(Debug)]
struct Row {
    line: usize,
    statement: String,
    tests: Vec<String>,
}

/// Reads the tables of the document: every line of two cells but heads and rulers.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (line, content) in (1..).zip(text.lines()).filter(|(_, it)| it.starts_with('|')) {
        let cells: Vec<&str> = content.trim().trim_matches('|').split('|').map(str::trim).collect();
        // A row of another shape has neither, which is a finding.
        let [statement, tests] = cells[..] else {
            rows.push(Row { line, statement: String::new(), tests: Vec::new() });
            continue;
        };
        let is_ruler = statement.starts_with("---");
        if is_ruler || (statement, tests) == ("statement", "test") {
            continue;
        }
        let names = tests.split(',').map(|name| name.trim().trim_matches('`').to_owned());
        let tests = names.filter(|name| !name.is_empty()).collect();
        rows.push(Row { line, statement: statement.to_owned(), tests });
    }
    rows
}

/// Says what is wrong with the name of a test, if anything is.
fn problem_with(workspace: &Workspace, test: &str) -> Result<Option<&'static str>> {
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
    Ok(Some("does not exist: name the test that proves the statement, or `later`"))
}

/// Tells whether the text has a function of that name under a test attribute.
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
    use std::fs;

    use super::*;

    const SOURCE: &str = "mod outcomes {\n    #[test]\n    fn dropped_wait_is_counted() {}\n\
                          \n    fn helper() {}\n\n    #[tokio::test(start_paused = true)]\n\
                          \x20   async fn waits() {}\n}\n";

    /// Holds a table against a workspace of one crate.
    fn findings(table: &str) -> Findings {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tests = folder.path().join("crates/pool/tests/it");
        fs::create_dir_all(&tests).expect("folders");
        fs::create_dir_all(folder.path().join("docs")).expect("folders");
        fs::write(tests.join("main.rs"), SOURCE).expect("a source");
        fs::write(tests.join("doc.rs"), "//! ```\n//! ```\n").expect("a source");
        let table = format!("| statement | test |\n| --- | --- |\n{table}\n");
        fs::write(folder.path().join(DOCUMENT), table).expect("a table");
        check(&Workspace::at(folder.path())).expect("a readable table")
    }

    #[track_caller]
    fn check_row(row: &str, expected: Option<&str>) {
        let findings = findings(row);
        match expected {
            None => assert!(findings.is_empty(), "{findings:?}"),
            Some(words) => {
                assert!(findings.len() == 1 && findings[0].contains(words), "{findings:?}");
            }
        }
    }

    #[test]
    fn tests_that_exist_are_accepted() {
        check_row("| a | `pool::it::outcomes::dropped_wait_is_counted` |", None);
        check_row("| a | `pool::it::waits`, `doc:crates/pool/tests/it/doc.rs` |", None);
        check_row("| a | later |", None);
    }

    #[test]
    fn tests_that_are_missing_are_found() {
        check_row("| a | `pool::it::gone` |", Some("does not exist"));
        check_row("| a | `pool::elsewhere::waits` |", Some("does not exist"));
        check_row("| a | `pool::it::helper` |", Some("does not exist"));
        check_row("| a | `cache::it::waits` |", Some("names no crate"));
        check_row("| a | `waits` |", Some("is not of the form"));
        check_row("| a | `doc:crates/pool/tests/it/main.rs` |", Some("no file with an example"));
    }

    #[test]
    fn row_without_statement_or_test_is_found() {
        check_row("| a |  |", Some("needs a statement and a test"));
        check_row("|  | later |", Some("needs a statement and a test"));
        check_row("| a | b | later |", Some("needs a statement and a test"));
    }

    #[test]
    fn this_workspace_proves_its_statements() {
        let findings = check(&Workspace::of_this_build()).expect("a readable table");
        assert_eq!(findings, Findings::new());
    }
}
