//! Checks that nothing depends on the examples, which a user may delete.
//!
//! The examples are a workspace of their own and are published nowhere. So whatever uses one
//! contains its path, `examples/NAME`, in a manifest or in a source. A name without that path
//! is no use of an example: a crate may have the same name as one.

use std::fs;

use anyhow::Result;

use crate::verdict::Findings;
use crate::workspace::Workspace;

const FOLDERS: [&str; 3] = ["bench", "crates", "xtask"];

/// Checks every manifest and source outside `examples`.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut paths = vec!["Cargo.toml".to_owned()];
    for folder in FOLDERS.iter().filter(|folder| workspace.path(folder).is_dir()) {
        paths.push(format!("{folder}/Cargo.toml"));
        let crates = workspace.folders(folder)?;
        paths.extend(crates.iter().map(|name| format!("{folder}/{name}/Cargo.toml")));
        paths.extend(workspace.rust_sources(folder)?);
    }
    let examples = examples(workspace)?;
    let mut findings = Findings::new();
    for path in paths.iter().filter(|path| workspace.path(path).is_file()) {
        let text = workspace.read(path)?;
        findings.extend(examples.iter().filter(|example| text.contains(*example)).map(|example| {
            format!(
                "{path}: uses `{example}`, which users may delete: put the shared code elsewhere"
            )
        }));
    }
    Ok(findings)
}

/// Returns the paths of all examples, relative to the root.
fn examples(workspace: &Workspace) -> Result<Vec<String>> {
    if !workspace.has_examples() {
        return Ok(Vec::new());
    }
    let mut names = workspace.folders("examples")?;
    names.retain(|name| workspace.path("examples").join(name).join("Cargo.toml").is_file());
    Ok(names.iter().map(|name| format!("examples/{name}")).collect())
}

impl Workspace {
    /// Returns the names of the folders in a folder, sorted.
    pub(crate) fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(folder))? {
            let entry = entry?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the findings in a workspace with an example `queue` and one more file.
    fn findings(path: &str, text: &str) -> Findings {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        for manifest in ["examples/Cargo.toml", "examples/queue/Cargo.toml"] {
            workspace.write(manifest, "").expect("a manifest");
        }
        workspace.write(path, text).expect("a file");
        check(&workspace).expect("readable files")
    }

    #[test]
    fn path_to_an_example_is_found() {
        for (path, text) in [
            ("crates/pool/Cargo.toml", "queue = { path = \"../../examples/queue\" }\n"),
            ("xtask/src/main.rs", "include!(\"../../examples/queue/src/lib.rs\");\n"),
        ] {
            let findings = findings(path, text);
            let expected = format!("{path}: uses `examples/queue`, which users may delete");
            assert!(findings.len() == 1 && findings[0].starts_with(&expected), "{findings:?}");
        }
    }

    #[test]
    fn crate_with_the_name_of_an_example_is_accepted() {
        let member = "queue = { path = \"crates/queue\", version = \"0.1.0\" }\n";
        for (path, text) in
            [("crates/queue/src/lib.rs", "//! The crate `queue`.\n"), ("Cargo.toml", member)]
        {
            assert_eq!(findings(path, text), Findings::new());
        }
    }

    #[test]
    fn this_workspace_depends_on_no_example() {
        let findings = check(&Workspace::of_this_build()).expect("readable files");
        assert_eq!(findings, Findings::new());
    }
}
