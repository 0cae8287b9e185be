//! `cargo xtask bench`: measures node0 against its budgets and its peers.
//!
//! The package that measures is outside this workspace, because it depends on other metrics
//! libraries, which must not be in the dependency tree of any crate here. So this command
//! only builds and runs it, in a target folder of its own, and returns its verdict.

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::instructions::{self, Gate, NotHere};
use crate::verdict::{Verdict, say};
use crate::workspace::Workspace;
use crate::{performance, prove};

/// The groups of questions that can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    /// Recording, with a held handle and by name.
    Core,
    /// The share of node0 in a request.
    Request,
    /// The monitors' own records.
    Monitors,
    /// Reading all cells and rendering the page.
    Scrape,
    /// The pass that is made every second.
    Sampling,
    /// Keeping the past, and asking for it.
    History,
    /// The readers of a stream.
    Stream,
    /// The memory of metrics, and of a whole process over time.
    Memory,
    /// Building, registering, the first request and the first scrape.
    Startup,
    /// The live page in a browser; the proof `page`.
    Page,
}

/// The questions to measure, and the way to do it.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measures only this group of questions; all by default.
    group: Option<Group>,
    /// Measures what needs no loopback, in fewer rounds, and counts instructions: three minutes.
    ///
    /// Its budgets are judged. The instructions of all hot paths are compared with the accepted
    /// counts if `valgrind` is installed.
    #[arg(long)]
    quick: bool,
    /// Saves the results and the program as target/bench/NAME, for --compare and --publish.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Runs today's program and the saved one in turn: is each figure better, same or worse?
    ///
    /// Only node0's own figures within the process are compared. `unclear` means that the
    /// machine was too restless to tell. If the saved program is missing, the saved figures are
    /// compared, which shows large changes only.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["quick", "save"])]
    compare: Option<String>,
    /// Measures only this question; may be given more than once.
    #[arg(long, value_name = "QUESTION")]
    only: Vec<String>,
    /// Makes docs/performance.md and the README's figures of the run saved under this name.
    #[arg(long, value_name = "NAME", exclusive = true)]
    publish: Option<String>,
    /// Makes node0's own work take this much longer, to test --compare.
    #[arg(long, hide = true, value_name = "PERCENT", requires = "compare")]
    burn: Option<String>,
}

impl Bench {
    /// Builds the bench package and runs it, or publishes a saved run.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Verdict> {
        if let Some(name) = &self.publish {
            return performance::publish(workspace, name);
        }
        if matches!(self.group, Some(Group::Page)) {
            return page(workspace);
        }
        let verdict = self.measure(workspace)?;
        let counts_too = self.quick && self.group.is_none() && self.only.is_empty();
        if counts_too { Ok(verdict.and(count(workspace)?)) } else { Ok(verdict) }
    }

    fn measure(&self, workspace: &Workspace) -> Result<Verdict> {
        let mut call = workspace.cargo(&["run", "--release", "--locked"]);
        call.args(["--manifest-path", "bench/Cargo.toml", "--target-dir", "target/bench", "--"]);
        call.args(self.arguments());
        let status = call.status().context("cannot run cargo")?;
        match status.code() {
            Some(0) => Ok(Verdict::Holds),
            Some(1) => Ok(Verdict::FallsShort),
            _ => bail!("the bench gave no verdict: see its words above"),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let group = self.group.as_ref().and_then(ValueEnum::to_possible_value);
        let mut arguments: Vec<String> =
            group.map(|group| group.get_name().to_owned()).into_iter().collect();
        arguments.extend(self.quick.then(|| "--quick".to_owned()));
        let named = [("--save", &self.save), ("--compare", &self.compare), ("--burn", &self.burn)];
        let named = named.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?)));
        let only = self.only.iter().map(|name| ("--only", name));
        for (option, value) in named.chain(only) {
            arguments.extend([option.to_owned(), value.clone()]);
        }
        arguments
    }
}

/// Measures the live page in Chromium, and shows the figures.
fn page(workspace: &Workspace) -> Result<Verdict> {
    let verdict = prove::run(workspace, Some("page"), Gate::Compare)?;
    let report = workspace.read("target/prove/page.json")?;
    let report: Value = serde_json::from_str(&report).context("the report is no JSON")?;
    say(&format!("{:#}", report["figures"]));
    Ok(verdict)
}

/// Compares the instructions of all hot paths with the accepted counts, if that is possible.
fn count(workspace: &Workspace) -> Result<Verdict> {
    say("counting the instructions of all hot paths, requests, passes and scrapes");
    match instructions::prove(workspace, Gate::Compare) {
        Ok((verdict, _)) => {
            if verdict == Verdict::Holds {
                say("no path takes more instructions than were accepted");
            }
            Ok(verdict)
        }
        Err(error) => match error.downcast::<NotHere>() {
            Ok(reason) => {
                say(&format!("instructions were not counted: {reason}"));
                Ok(Verdict::Holds)
            }
            Err(error) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let bench = Bench {
            group: Some(Group::Core),
            quick: false,
            save: None,
            compare: Some("before".to_owned()),
            only: vec!["record".to_owned()],
            publish: None,
            burn: Some("3".to_owned()),
        };
        let expected = ["core", "--compare", "before", "--burn", "3", "--only", "record"];
        assert_eq!(bench.arguments(), expected);
    }

    #[test]
    fn the_groups_are_those_of_the_program() {
        let source = Workspace::of_this_build().read("bench/src/questions.rs").expect("a source");
        let (_, groups) = source.split_once("pub(crate) enum Group {\n").expect("the groups");
        let groups = groups.split('}').next().unwrap_or_default().lines();
        let groups = groups.filter_map(|line| line.trim().strip_suffix(',')).map(str::to_lowercase);
        let ours = Group::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let ours: Vec<_> = ours.map(|group| group.get_name().to_owned()).collect();
        let groups: Vec<_> = groups.chain(["page".to_owned()]).collect();
        assert_eq!(ours, groups);
    }

    #[test]
    fn every_peer_is_documented_with_its_version() {
        let workspace = Workspace::of_this_build();
        let manifest = workspace.read("bench/Cargo.toml").expect("a manifest");
        let pinned = manifest.lines().filter_map(|line| {
            let (name, version) = (line.split_once(" = ")?.0, line.split_once("\"=")?.1);
            Some(format!("| `{name}` | {} |", version.split_once('"')?.0))
        });
        let mut pinned: Vec<_> = pinned.collect();
        let guide = workspace.read("docs/bench.md").expect("a guide");
        let (_, peers) = guide.split_once("\n## The peers\n").expect("a section");
        let peers = peers.split("\n## ").next().unwrap_or_default();
        let rows = peers.lines().filter(|line| line.starts_with("| `"));
        let mut rows: Vec<_> = rows.collect();
        pinned.sort();
        rows.sort();
        assert_eq!(pinned.len(), rows.len(), "a peer is pinned by `=`, and has a row");
        for (pinned, row) in pinned.iter().zip(rows) {
            assert!(row.starts_with(pinned), "docs/bench.md has `{row}`, not `{pinned}`");
        }
    }

    #[test]
    fn rivals_are_in_a_workspace_of_their_own() {
        let workspace = Workspace::of_this_build();
        let manifest = workspace.read("bench/Cargo.toml").expect("a manifest");
        assert!(manifest.contains("\n[workspace]\n"));
        let lock = workspace.read("Cargo.lock").expect("a lock file");
        // prometheus-client is there too: its native histograms are the oracle of the exporter's.
        for rival in ["contatori", "measured", "metriken"] {
            assert!(!lock.contains(&format!("name = \"{rival}\"")), "{rival} is in Cargo.lock");
        }
    }
}
