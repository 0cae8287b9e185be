//! Checks that no lint is switched off by `allow`, and that each `expect` has a reason.
//!
//! Clippy refuses `#[allow]` too, but not in a crate that does not use the workspace's
//! lints, and no lint requires reasons in manifests. So the check reads the
//! attributes of all sources, which covers code of every configuration and the bodies of
//! macros, and manifests as text.

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::verdict::Findings;
use crate::workspace::Workspace;

const FOLDERS: &[&str] = &["bench", "crates", "xtask"];

/// Checks every source and manifest.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = in_manifest("Cargo.toml", &workspace.read("Cargo.toml")?);
    for folder in FOLDERS {
        for path in workspace.rust_sources(folder)? {
            let of_source = in_source(&path, &workspace.read(&path)?);
            findings.extend(of_source.with_context(|| format!("cannot parse {path}"))?);
        }
    }
    let crates = std::fs::read_dir(workspace.path("crates"))?;
    let mut manifests = vec!["xtask/Cargo.toml".to_owned()];
    for folder in crates {
        manifests.push(format!("crates/{}/Cargo.toml", folder?.file_name().to_string_lossy()));
    }
    manifests.sort();
    for path in &manifests {
        if !workspace.read(path)?.contains("[lints]\nworkspace = true") {
            findings.push(format!("{path}: takes no part in the lints: add `workspace = true`"));
        }
    }
    Ok(findings)
}

/// Returns findings for the attributes of a source file.
fn in_source(path: &str, text: &str) -> syn::Result<Findings> {
    let mut levels = Vec::new();
    collect_levels(syn::parse_str(text)?, &mut levels);
    let mut findings = Findings::new();
    for Level { name, line, has_reason } in levels {
        if name == "allow" {
            findings.push(format!("{path}:{line}: `allow` hides a lint: use `expect`"));
        } else if !has_reason {
            findings.push(format!("{path}:{line}: `expect` without a reason: add `reason = …`"));
        }
    }
    Ok(findings)
}

/// An `allow` or `expect` of an attribute.
struct Level {
    name: String,
    line: usize,
    has_reason: bool,
}

/// Collects the levels of all attributes, of those in macro calls too.
fn collect_levels(stream: TokenStream, levels: &mut Vec<Level>) {
    let trees: Vec<_> = stream.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else { continue };
        // An attribute is `#[…]` or `#![…]`.
        let is_mark =
            |before: usize, mark: &str| at >= before && trees[at - before].to_string() == mark;
        let has_marks = is_mark(1, "#") || (is_mark(1, "!") && is_mark(2, "#"));
        if group.delimiter() == Delimiter::Bracket && has_marks {
            collect_levels_of(group.stream(), levels);
        } else {
            collect_levels(group.stream(), levels);
        }
    }
}

/// Collects the levels of one attribute: alone, or after the condition of a `cfg_attr`.
fn collect_levels_of(attribute: TokenStream, levels: &mut Vec<Level>) {
    let trees: Vec<_> = attribute.into_iter().collect();
    for pair in trees.windows(2) {
        let [TokenTree::Ident(name), TokenTree::Group(group)] = pair else { continue };
        match name.to_string().as_str() {
            "cfg_attr" => collect_levels_of(group.stream(), levels),
            "allow" | "expect" => levels.push(Level {
                name: name.to_string(),
                line: name.span().start().line,
                has_reason: group.stream().into_iter().any(|it| it.to_string() == "reason"),
            }),
            _ => {}
        }
    }
}

/// Returns findings for lints that a manifest allows without a comment.
fn in_manifest(path: &str, text: &str) -> Findings {
    let mut findings = Findings::new();
    let mut before = "";
    for (number, line) in (1..).zip(text.lines()) {
        let is_explained = before.trim_start().starts_with('#') || line.contains('#');
        if line.contains("\"allow\"") && !is_explained {
            findings.push(format!("{path}:{number}: a lint is allowed: say why above it"));
        }
        before = line;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_source(text: &str, expected: usize) {
        let findings = in_source("x.rs", text).expect("a source");
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn allow_is_found_in_every_position() {
        check_source("#[allow(dead_code)]\nfn f() {}\n", 1);
        check_source("#![allow(dead_code)]\n", 1);
        check_source("#[cfg_attr(test, allow(dead_code))]\n", 1);
        check_source("#![cfg_attr(\n    not(test),\n    allow(dead_code)\n)]\n", 1);
        check_source("#[cfg_attr(a, cfg_attr(b, inline,allow(dead_code)))]\nfn f() {}\n", 1);
        check_source("x! { #[allow(dead_code)] fn f() {} }\n", 1);
        check_source("// `#[allow(dead_code)]` is not ours\nfn allow() {}\n", 0);
    }

    #[test]
    fn expect_needs_a_reason() {
        check_source("#[expect(dead_code)]\nfn f() {}\n", 1);
        check_source("#[cfg_attr(\n    test,\n    expect(dead_code)\n)]\nfn f() {}\n", 1);
        check_source("#[expect(dead_code, reason = \"fixture\")]\n", 0);
        check_source("#[expect(\n    dead_code,\n    reason = \"fixture\"\n)]\nfn f() {}\n", 0);
        check_source("#[expect(dead_code)]\n#[doc = \"reason = none\"]\n", 1);
        check_source("let x = y.expect(\"a value\");\n", 0);
    }

    #[test]
    fn allowed_lint_in_a_manifest_needs_a_comment() {
        assert_eq!(in_manifest("Cargo.toml", "a = \"warn\"\nlint = \"allow\"\n").len(), 1);
        assert_eq!(in_manifest("Cargo.toml", "# Why.\nlint = \"allow\"\n").len(), 0);
    }

    #[test]
    fn this_workspace_hides_no_lint() {
        let findings = check(&Workspace::of_this_build()).expect("readable sources");
        assert_eq!(findings, Findings::new());
    }
}
