//! Checks that no lint is switched off by `allow`, and that each `expect` has a reason.
//!
//! Clippy refuses `#[allow]` too, but not in a crate that does not use the workspace's
//! lints, and no lint requires reasons in manifests. So the check reads sources and
//! manifests as text, which is fast and covers code of every configuration.

use anyhow::Result;

use crate::verdict::Findings;
use crate::workspace::Workspace;

const FOLDERS: &[&str] = &["bench", "crates", "xtask"];

/// Checks every source and manifest.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = in_manifest("Cargo.toml", &workspace.read("Cargo.toml")?);
    for folder in FOLDERS {
        for path in workspace.rust_sources(folder)? {
            findings.extend(in_source(&path, &workspace.read(&path)?));
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
fn in_source(path: &str, text: &str) -> Findings {
    let mut findings = Findings::new();
    let mut offset = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let code = line.trim_start();
        let attribute = code.strip_prefix("#[").or_else(|| code.strip_prefix("#!["));
        // Finds the level alone and after the condition of a `cfg_attr`.
        let holds = |level: &str| attribute.is_some_and(|it| names_level(it, level));
        if holds("allow(") {
            findings.push(format!("{path}:{number}: `allow` hides a lint: use `expect`"));
        }
        // The lints and the reason are in one pair of brackets, possibly over several lines.
        let has_reason =
            || text[offset..].split(")]").next().is_some_and(|it| it.contains("reason ="));
        if holds("expect(") && !has_reason() {
            findings.push(format!("{path}:{number}: `expect` without a reason: add `reason = …`"));
        }
        offset += line.len();
    }
    findings
}

fn names_level(attribute: &str, level: &str) -> bool {
    let conditional = attribute.starts_with("cfg_attr(");
    attribute.starts_with(level) || (conditional && attribute.contains(&format!(" {level}")))
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
        let findings = in_source("x.rs", text);
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn allow_is_found_in_every_position() {
        check_source("#[allow(dead_code)]\nfn f() {}\n", 1);
        check_source("#![allow(dead_code)]\n", 1);
        check_source("#[cfg_attr(test, allow(dead_code))]\n", 1);
        check_source("// `#[allow(dead_code)]` is not ours\nfn allow() {}\n", 0);
    }

    #[test]
    fn expect_needs_a_reason() {
        check_source("#[expect(dead_code)]\nfn f() {}\n", 1);
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
