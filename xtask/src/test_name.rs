//! Looks up the tests that documents name.
//!
//! When a test is renamed, the documents that name it become wrong. So a document names its
//! tests in a form that can be checked: `crate::module::name` for a test function, and
//! `doc:path.rs` for a file whose documentation has an example.

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};

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
        if !text.contains(name) {
            continue;
        }
        let source = syn::parse_str(&text).with_context(|| format!("cannot parse {path}"))?;
        let files: Vec<_> = path.split(['/', '.']).map(str::to_owned).collect();
        if holds_test(source, &files, modules, name) {
            return Ok(None);
        }
    }
    Ok(Some("does not exist: name the test that proves it now"))
}

/// Returns `true` if code has a test of that name, inside all of `modules`.
///
/// `around` are the modules around the code. A test that is ignored does not count.
fn holds_test(code: TokenStream, around: &[String], modules: &[&str], name: &str) -> bool {
    let trees: Vec<_> = code.into_iter().collect();
    let is_word = |at: usize, word: &str| trees.get(at).is_some_and(|it| it.to_string() == word);
    let is_inside = modules.iter().all(|it| around.iter().any(|module| module == it));
    trees.iter().enumerate().any(|(at, tree)| match tree {
        TokenTree::Group(group) => {
            let mut around = around.to_vec();
            if at >= 2 && is_word(at - 2, "mod") {
                around.push(trees[at - 1].to_string());
            }
            holds_test(group.stream(), &around, modules, name)
        }
        TokenTree::Ident(word) if word == "fn" && is_word(at + 1, name) => {
            let attributes = attributes(&trees[..at]);
            let is_test = attributes.iter().any(|it| it == "test" || it.ends_with(":: test"));
            is_inside && is_test && !attributes.iter().any(|it| it == "ignore")
        }
        _ => false,
    })
}

/// Returns the paths of the attributes at the end of `trees`, before words such as `async`.
fn attributes(trees: &[TokenTree]) -> Vec<String> {
    let words = trees.iter().rev().take_while(|it| matches!(it, TokenTree::Ident(_))).count();
    let mut paths = Vec::new();
    let mut rest = &trees[..trees.len() - words];
    while let [before @ .., TokenTree::Punct(mark), TokenTree::Group(attribute)] = rest
        && mark.as_char() == '#'
    {
        let path = attribute.stream().into_iter().take_while(|it| {
            matches!(it, TokenTree::Ident(_) | TokenTree::Punct(_)) && it.to_string() != "="
        });
        paths.push(path.collect::<TokenStream>().to_string());
        rest = before;
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "mod outcomes {\n    #[test]\n    fn dropped_wait_is_counted() {}\n\
                          \n    fn helper() {}\n\n    #[tokio::test(start_paused = true)]\n\
                          \x20   async fn waits() {}\n}\n\
                          #[test]\n#[ignore = \"slow\"]\nfn skipped() {}\n\
                          x! { #[tokio::test(\n    start_paused = true\n)]\nasync fn inside() {} }\n";

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
        check("pool::it::inside", None);
        check("doc:crates/pool/src/lib.rs", None);
    }

    #[test]
    fn names_that_lead_nowhere_are_told_why() {
        check("pool::it::gone", Some("does not exist"));
        check("pool::elsewhere::waits", Some("does not exist"));
        check("pool::it::helper", Some("does not exist"));
        check("pool::it::skipped", Some("does not exist"));
        check("pool::it::out::waits", Some("does not exist"));
        check("pool::it::outcomes::inside", Some("does not exist"));
        check("cache::it::waits", Some("names no crate"));
        check("waits", Some("is not of the form"));
        check("doc:crates/pool/tests/it/main.rs", Some("no file with an example"));
    }
}
