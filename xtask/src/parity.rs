//! Checks that each required feature has a test.
//!
//! `docs/parity.md` is a table of statements, which the project must fulfil, and the tests
//! that prove them; the check looks each test up by its name. A statement whose feature is
//! not built yet has the word `later` in place of a test.

use anyhow::Result;

use crate::test_name;
use crate::verdict::Findings;
use crate::workspace::Workspace;

const DOCUMENT: &str = "docs/parity.md";

/// Checks that every test of the table exists.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::new();
    for row in rows(&workspace.read(DOCUMENT)?) {
        let at = format!("{DOCUMENT}:{}", row.line);
        if row.statement.is_empty() || row.tests.is_empty() {
            findings.push(format!("{at}: a row needs a statement and a test, or `later`"));
        }
        for test in row.tests.iter().filter(|test| *test != "later") {
            if let Some(problem) = test_name::problem_with(workspace, test)? {
                findings.push(format!("{at}: `{test}` {problem}"));
            }
        }
    }
    Ok(findings)
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    line: usize,
    statement: String,
    tests: Vec<String>,
}

/// Parses the tables of the document: every row except heads and rulers.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (line, content) in (1..).zip(text.lines()).filter(|(_, it)| it.starts_with('|')) {
        let cells: Vec<&str> = content.trim().trim_matches('|').split('|').map(str::trim).collect();
        // A row with another number of cells gets no statement and no test, which is a finding.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a row in a workspace with one test.
    #[track_caller]
    fn check_row(row: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        let source = "#[test]\nfn waits() {}\n";
        workspace.write("crates/pool/tests/it/main.rs", source).expect("a source");
        let table = format!("| statement | test |\n| --- | --- |\n{row}\n");
        workspace.write(DOCUMENT, &table).expect("a table");
        let findings = check(&workspace).expect("a readable table");
        match expected {
            None => assert!(findings.is_empty(), "{findings:?}"),
            Some(words) => {
                assert!(findings.len() == 1 && findings[0].contains(words), "{findings:?}");
            }
        }
    }

    #[test]
    fn tests_that_exist_are_accepted() {
        check_row("| a | `pool::it::waits`, later |", None);
        check_row("| a | later |", None);
    }

    #[test]
    fn tests_that_are_missing_are_found() {
        check_row("| a | `pool::it::waits`, `pool::it::gone` |", Some("does not exist"));
        check_row("| a | `waits` |", Some("docs/parity.md:3: `waits` is not of the form"));
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
