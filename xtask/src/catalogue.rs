//! Checks that docs/metrics.md lists every metric that the code describes.
//!
//! `examples/catalogue.rs`, which depends on the crates, prints the page; this module
//! compares it with the committed one. A description that the program does not list
//! would be missing from both, so the sources are searched for descriptions too.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::source::Source;
use crate::tokens;
use crate::verdict::Findings;
use crate::workspace::{Workspace, output_of};

const DOCUMENT: &str = "docs/metrics.md";

/// The programs whose own metrics no other service has.
const PROGRAMS: [&str; 2] = ["crates/demo-server/", "crates/hot-paths/"];

/// Checks that the page is what the code prints, and that it lists every description.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let (path, text) = document(workspace)?;
    let mut findings = Findings::new();
    if workspace.read(path).ok().as_ref() != Some(&text) {
        findings.push(format!("{path} is stale: run `cargo xtask generate`"));
    }
    let listed = listed(&text);
    let is_of_a_service =
        |it: &&Source| it.is_shipped() && !PROGRAMS.iter().any(|of| it.path.starts_with(of));
    for source in Source::read_all(workspace, "crates")?.iter().filter(is_of_a_service) {
        let path = &source.path;
        let described = described(&workspace.read(path)?);
        let described = described.with_context(|| format!("cannot parse {path}"))?;
        findings.extend(described.difference(&listed).map(|name| {
            format!(
                "{path} describes `{name}`: list it in the crate's DESCS, and those in \
                 xtask/examples/catalogue.rs"
            )
        }));
    }
    Ok(findings)
}

/// Returns the path of docs/metrics.md and its expected text.
pub(crate) fn document(workspace: &Workspace) -> Result<(&'static str, String)> {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    let text = output_of(call.args(["--package", "xtask", "--example", "catalogue"]))?;
    Ok((DOCUMENT, text))
}

/// Returns the metric names in the first column of the page's tables.
fn listed(page: &str) -> BTreeSet<String> {
    let names = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Returns the names in calls of the form `Desc::kind("name", …)`; tests describe metrics too.
fn described(source: &str) -> syn::Result<BTreeSet<String>> {
    let tokens = tokens::shipped(source)?;
    let names = tokens.windows(6).filter_map(|window| {
        match [0, 1, 2, 3, 4, 5].map(|at| window[at].as_str()) {
            ["Desc", ":", ":", _, "(", name] => name.strip_prefix('"')?.strip_suffix('"'),
            _ => None,
        }
    });
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_that_the_page_lacks_is_seen() {
        let source = "#[cfg(test)]\nmod tests { const C: Desc = Desc::gauge(\"c\", \"C.\"); }\n\
                      pub const A: Desc = Desc::counter(\n    \"a_total\", \"A.\");\n\
                      /// const D: Desc = Desc::gauge(\"d\", \"D.\");\n\
                      descs! { const B: Desc =\n    Desc::gauge(\"b\", \"B.\").labels(&[\"x\"]); }\n\
                      const E: node0_metrics_core::Desc = node0_metrics_core::Desc::peak(\"e\", \"E.\");\n";
        let described = described(source).expect("a source");
        let listed = listed("# Metrics\n| metric | type |\n| `a_total` | counter |\n");
        assert_eq!(described.difference(&listed).collect::<Vec<_>>(), ["b", "e"]);
    }
}
