//! `cargo xtask bench`: measures node0 against its budgets and its peers.
//!
//! The package that measures is outside this workspace, because it depends on other metrics
//! libraries, which must not be in the dependency tree of any crate here. So this command
//! only builds and runs it, in a target folder of its own, and returns its verdict.

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::verdict::Verdict;
use crate::workspace::Workspace;

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
    /// The memory of metrics, and of a whole process over time.
    Memory,
    /// Building, registering, the first request and the first scrape.
    Startup,
}

/// The questions to measure, and the way to do it.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measures only this group of questions; all by default.
    group: Option<Group>,
    /// Runs fewer and shorter rounds, to test that everything runs; gives no verdict.
    #[arg(long)]
    quick: bool,
    /// Saves the results as target/bench/NAME.json.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Prints the change since the results that were saved under this name.
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Measures only this question; may be given more than once.
    #[arg(long, value_name = "QUESTION")]
    only: Vec<String>,
}

impl Bench {
    /// Builds the bench package and runs it.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Verdict> {
        let mut call = workspace.cargo(&["run", "--release", "--locked"]);
        call.args(["--manifest-path", "bench/Cargo.toml", "--target-dir", "target/bench", "--"]);
        call.args(self.arguments());
        let status = call.status().context("cannot run cargo")?;
        match status.code() {
            Some(0) => Ok(Verdict::Holds),
            Some(1) => Ok(Verdict::FallsShort),
            _ => bail!("the bench could not run: see its words above"),
        }
    }

    fn arguments(&self) -> Vec<&str> {
        let group = self.group.map(|group| match group {
            Group::Core => "core",
            Group::Request => "request",
            Group::Monitors => "monitors",
            Group::Scrape => "scrape",
            Group::Sampling => "sampling",
            Group::Memory => "memory",
            Group::Startup => "startup",
        });
        let mut arguments: Vec<&str> = group.into_iter().collect();
        arguments.extend(self.quick.then_some("--quick"));
        arguments.extend(self.save.iter().flat_map(|name| ["--save", name]));
        arguments.extend(self.compare.iter().flat_map(|name| ["--compare", name]));
        arguments.extend(self.only.iter().flat_map(|name| ["--only", name]));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let bench = Bench {
            group: Some(Group::Core),
            quick: true,
            save: Some("now".to_owned()),
            compare: None,
            only: vec!["record".to_owned()],
        };
        assert_eq!(bench.arguments(), ["core", "--quick", "--save", "now", "--only", "record"]);
    }

    #[test]
    fn rivals_are_in_a_workspace_of_their_own() {
        let workspace = Workspace::of_this_build();
        let manifest = workspace.read("bench/Cargo.toml").expect("a manifest");
        assert!(manifest.contains("\n[workspace]\n"));
        let lock = workspace.read("Cargo.lock").expect("a lock file");
        for rival in ["contatori", "measured", "metriken", "prometheus-client"] {
            assert!(!lock.contains(&format!("name = \"{rival}\"")), "{rival} is in Cargo.lock");
        }
    }
}
