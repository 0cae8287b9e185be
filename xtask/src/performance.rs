//! The published run of the bench, and the documents that are made of it.
//!
//! `docs/performance.json` holds the figures of one run. `docs/performance.md`, the picture of
//! the overhead and the figures of the README are written from it, so none of them can differ
//! from the others or grow stale.

use anyhow::{Context as _, Result};
use bench_report::Run;

use crate::marked;
use crate::verdict::{Findings, Verdict, say};
use crate::workspace::Workspace;

const DATA: &str = "docs/performance.json";
const DOCUMENT: &str = "docs/performance.md";
const PICTURE: &str = "docs/overhead.svg";
const README: &str = "README.md";

/// Checks that every document has the figures of the published run.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let documents = documents(workspace)?.into_iter();
    let stale = documents.filter(|(path, text)| workspace.read(path).ok().as_ref() != Some(text));
    Ok(stale.map(|(path, _)| format!("{path} is stale: run `cargo xtask generate`")).collect())
}

/// Returns the paths of all documents and their expected texts.
pub(crate) fn documents(workspace: &Workspace) -> Result<Vec<(&'static str, String)>> {
    let run = read(workspace, DATA)?;
    let mut readme = workspace.read(README)?;
    for (name, content) in bench_report::readme(&run) {
        readme = marked::replace(&readme, name, &content).with_context(|| README)?;
    }
    let mut documents = vec![(README, readme), (DOCUMENT, bench_report::document(&run))];
    documents.extend(bench_report::picture(&run).map(|picture| (PICTURE, picture)));
    Ok(documents)
}

/// Makes the run that was saved under a name the published one, and rewrites the documents.
pub(crate) fn publish(workspace: &Workspace, name: &str) -> Result<Verdict> {
    let run = read(workspace, &format!("target/bench/{name}.json"))?.published();
    workspace.write(DATA, &lines(&run)?)?;
    say(&format!("wrote {DATA}"));
    for (path, text) in documents(workspace)? {
        workspace.write(path, &text)?;
        say(&format!("wrote {path}"));
    }
    Ok(Verdict::Holds)
}

fn read(workspace: &Workspace, path: &str) -> Result<Run> {
    serde_json::from_str(&workspace.read(path)?)
        .with_context(|| format!("{path} was saved by another version: save it again"))
}

/// Returns the run as JSON with a line for each race, so that a change can be reviewed.
fn lines(run: &Run) -> Result<String> {
    let races = run.races.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    let bare = serde_json::to_string(&Run { races: Vec::new(), ..run.clone() })?;
    let (before, after) = bare.split_once("\"races\":[").context("a run has races")?;
    Ok(format!("{before}\n\"races\":[\n{}\n{after}\n", races.join(",\n")))
}
