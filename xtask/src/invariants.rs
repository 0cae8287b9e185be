//! Checks that each invariant of ARCHITECTURE.md names its guards, and that these exist.
//!
//! An invariant is an item of the list under `## Invariants`. Its guards stand in
//! backquotes: a name with `::` is a test, and `cargo xtask check NAME` is a check of this
//! program.

use anyhow::{Context as _, Result};

use crate::verdict::Findings;
use crate::workspace::Workspace;
use crate::{check, test_name};

const DOCUMENT: &str = "ARCHITECTURE.md";
const HEADING: &str = "\n## Invariants\n";
const CHECK: &str = "cargo xtask check ";

/// Checks the guards of every invariant.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let text = workspace.read(DOCUMENT)?;
    let mut findings = Findings::new();
    for Invariant { title, guards } in invariants(&text)? {
        if guards.is_empty() {
            findings.push(format!(
                "{DOCUMENT}: `{title}` names no test: name one that fails when it is broken, as \
                 `crate::module::test`, or `{CHECK}NAME`"
            ));
        }
        for guard in guards {
            let problem = match guard.strip_prefix(CHECK) {
                Some(name) => (!check::is_known(name)).then_some("is no check: see its list"),
                None => test_name::problem_with(workspace, guard)?,
            };
            findings.extend(problem.map(|it| format!("{DOCUMENT}: `{title}`: `{guard}` {it}")));
        }
    }
    Ok(findings)
}

/// An item of the list.
#[derive(Debug)]
struct Invariant<'a> {
    /// The bold text of the item, or all of it.
    title: &'a str,
    /// The tests and checks that the item names.
    guards: Vec<&'a str>,
}

/// Parses the list; a document without a list is an error.
fn invariants(text: &str) -> Result<Vec<Invariant<'_>>> {
    let (_, section) = text.split_once(HEADING).context("there is no list of invariants")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let items = section.split("\n- ").skip(1).map(|item| {
        let item = item.split("\n\n").next().unwrap_or_default().trim();
        // `**` splits the item into plain, bold and plain text, so part 1 is the first bold one.
        // Backquotes split it into plain text and code in turn, so the odd parts are code.
        let title = item.split("**").nth(1).unwrap_or(item);
        let code = item.split('`').skip(1).step_by(2);
        let guards = code.filter(|it| it.contains("::") || it.starts_with(CHECK)).collect();
        Invariant { title, guards }
    });
    let items: Vec<_> = items.collect();
    anyhow::ensure!(!items.is_empty(), "the list of invariants is empty");
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a list of invariants in a workspace with one test.
    fn findings(list: &str) -> Result<Findings> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        let source = "#[test]\nfn nothing_is_lost() {}\n";
        workspace.write("crates/core/tests/it.rs", source).expect("a source");
        let text =
            format!("# A\n\n## Invariants\n\nEach has one.\n{list}\n\n## Next\n\n- **No**\n");
        workspace.write(DOCUMENT, &text).expect("a document");
        check(&workspace)
    }

    #[track_caller]
    fn check_list(list: &str, expected: &[&str]) {
        let findings = findings(list).expect("a list");
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, words) in findings.iter().zip(expected) {
            assert!(finding.contains(words), "{finding:?} does not say {words:?}");
        }
    }

    #[test]
    fn guards_that_exist_are_accepted() {
        check_list("- **I1 A.** See `Clock`.\n  `core::it::nothing_is_lost`.", &[]);
        check_list("- **I1 A.** `cargo xtask check layers`, over `cargo metadata`.", &[]);
    }

    #[test]
    fn invariant_that_names_no_test_is_found() {
        let list = "- **I1 A.** `core::it::nothing_is_lost`.\n- **I2 B.** By `Clock` alone.\n- C.";
        check_list(list, &["`I2 B.` names no test: name one", "`C.` names no test"]);
    }

    #[test]
    fn guards_that_are_gone_are_found() {
        check_list("- **I1 A.** `core::it::renamed`.", &["`I1 A.`: `core::it::renamed` does not"]);
        check_list(
            "- **I1 A.** `core::gone`,\n  `core::it::lost`.",
            &["`core::gone`", "`core::it"],
        );
        check_list("- **I1 A.** `cargo xtask check luck`.", &["check luck` is no check"]);
    }

    #[test]
    fn document_without_the_list_is_an_error() {
        let error = findings("Nothing.").expect_err("no item");
        assert!(error.to_string().contains("is empty"), "{error}");
        assert!(invariants("# A\n").is_err());
    }

    #[test]
    fn this_workspace_guards_its_invariants() {
        let findings = check(&Workspace::of_this_build()).expect("a readable list");
        assert_eq!(findings, Findings::new());
    }
}
