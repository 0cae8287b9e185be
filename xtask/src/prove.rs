//! `cargo xtask prove`: runs proofs that take too long for every test run.
//!
//! Most proofs are tests of the workspace with a larger bound (see `testbed::prove`): every
//! test run executes a short version, and this command the long one. It writes the verdict
//! and the figures that the test measured to `target/prove/NAME.json`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::instructions::Gate;
use crate::test_run::TestRun;
use crate::verdict::{Verdict, say};
use crate::workspace::Workspace;
use crate::{fuzz, instructions, miri, models, mutants, packages, regressions, sanitizers};

/// A long proof.
struct Proof {
    name: &'static str,
    shows: &'static str,
    how: How,
}

/// The way in which a proof is run.
enum How {
    /// Tests of a package, by their binary and a part of their names.
    Tests { package: &'static str, binary: &'static str, filter: &'static str },
    /// Tests of an example, by its package and their binary.
    Example { package: &'static str, binary: &'static str },
    /// The load of a stream on the demo, and then on a service that counts its monitor's calls.
    Streams,
    /// All pictures of the page, and those of the documentation.
    Screens,
    /// The core's loom models, with more preemptions.
    Models,
    /// The core's models on faulty code.
    Mutants,
    /// The instructions of hot paths, requests, passes and scrapes against their baselines.
    Instructions,
    /// The same on slower code.
    Regressions,
    /// The fuzz targets, under libFuzzer.
    Fuzz,
    /// Tests of the core under Miri.
    Miri,
    /// Tests of the core's threads under the compiler's sanitizers.
    Sanitizers,
    /// A build of each published package from its archive.
    Packages,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "core",
        shows: "percentiles, windows and totals equal an oracle that keeps every sample",
        how: How::Tests { package: "node0-metrics-core", binary: "it", filter: "proof::" },
    },
    Proof {
        name: "threads",
        shows: "a million threads, metrics and registries come and go, and leave nothing",
        how: How::Tests { package: "node0-metrics-core", binary: "threads", filter: "" },
    },
    Proof {
        name: "loom",
        shows: "nothing is lost or seen twice in any order of the core's threads",
        how: How::Models,
    },
    Proof {
        name: "mutants",
        shows: "each model of the core's threads fails where a line is wrong",
        how: How::Mutants,
    },
    Proof {
        name: "instructions",
        shows: "no hot path, request, pass or scrape takes more instructions than were accepted (valgrind)",
        how: How::Instructions,
    },
    Proof {
        name: "regressions",
        shows: "the count of instructions finds the smallest regressions (valgrind)",
        how: How::Regressions,
    },
    Proof {
        name: "miri",
        shows: "the core's unsafe code, and threads beside a pass, keep the rules of the language (nightly with miri)",
        how: How::Miri,
    },
    Proof {
        name: "sanitizers",
        shows: "64 threads that record, register, drop and read make no race, bad access or leak (nightly with rust-src)",
        how: How::Sanitizers,
    },
    Proof {
        name: "cache",
        shows: "tiers' numbers are their users' ledgers, while redis dies and returns",
        how: How::Tests { package: "node0-cache-monitor", binary: "it", filter: "two_tier" },
    },
    Proof {
        name: "pool-cycles",
        shows: "a hundred thousand pools come and go, and leave nothing",
        how: How::Tests { package: "node0-db-pool-monitor", binary: "cycles", filter: "" },
    },
    Proof {
        name: "breaker-cycles",
        shows: "a hundred thousand circuits come and go, and leave nothing",
        how: How::Tests { package: "node0-breaker-monitor", binary: "cycles", filter: "" },
    },
    Proof {
        name: "cache-cycles",
        shows: "a hundred thousand cache tiers and caches come and go, and leave nothing",
        how: How::Tests { package: "node0-cache-monitor", binary: "cycles", filter: "" },
    },
    Proof {
        name: "alerts",
        shows: "two releases of prometheus with the same rules see the same alerts, through faults and stalls",
        how: How::Tests { package: "node0-demo-server", binary: "service", filter: "oracle" },
    },
    Proof {
        name: "boards",
        shows: "each panel of each board shows what is true in seven states, and faults in boards are found",
        how: How::Tests { package: "node0-demo-server", binary: "boards", filter: "" },
    },
    Proof {
        name: "rules",
        shows: "the tests of the rules of prometheus notice each change of a rule",
        how: How::Tests { package: "node0-mixin", binary: "it", filter: "mutants" },
    },
    Proof {
        name: "pager",
        shows: "faults reach a pager through the shipped rules, prometheus and alertmanager, and end",
        how: How::Tests { package: "node0-demo-server", binary: "service", filter: "rules::" },
    },
    Proof {
        name: "alertmanager",
        shows: "an alert keeps its start and does not flap, through a minute of nobody and ten of refusals",
        how: How::Tests { package: "node0-notifier", binary: "it", filter: "alertmanager" },
    },
    Proof {
        name: "streams",
        shows: "ten thousand clients of the stream have each update, whatever others do, from one pass",
        how: How::Streams,
    },
    Proof {
        name: "autobahn",
        shows: "the WebSocket test suite finds nothing wrong in 301 cases",
        how: How::Tests { package: "node0-websocket", binary: "it", filter: "autobahn" },
    },
    Proof {
        name: "screens",
        shows: "the page fits in all states, themes and widths; the pictures of the README are drawn",
        how: How::Screens,
    },
    Proof {
        name: "page",
        shows: "the page costs a browser little, beside a blank page and beside uPlot",
        how: How::Tests { package: "node0-live-page", binary: "it", filter: "cost::" },
    },
    Proof {
        name: "restarts",
        shows: "ten rolling restarts behind nginx lose no request of kept connections",
        how: How::Example { package: "plain-service", binary: "rolling_restart" },
    },
    Proof {
        name: "hostile",
        shows: "hosts whose code panics, hangs, re-enters or drops the monitoring harm nobody else",
        how: How::Tests { package: "node0", binary: "hostile", filter: "" },
    },
    Proof {
        name: "soak",
        shows: "through thirty minutes of faults each counter equals the load's ledger, and nothing grows",
        how: How::Tests { package: "node0-demo-server", binary: "service", filter: "soak::" },
    },
    Proof {
        name: "fuzz",
        shows: "no input of a stream's client breaks a promise (libFuzzer, needs g++)",
        how: How::Fuzz,
    },
    Proof {
        name: "packages",
        shows: "each published package builds from its archive, with all features",
        how: How::Packages,
    },
    Proof {
        name: "unpacked-tools",
        shows: "a bare Debian gets every tool of the tests, and needs no network for them twice",
        how: How::Tests { package: "node0-testbed", binary: "it", filter: "tools::unpacked_tools" },
    },
];

/// Runs the named proof, or lists all proofs.
///
/// [`Gate::Accept`] is for the instructions only.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>, gate: Gate) -> Result<Verdict> {
    if gate == Gate::Accept && name != Some("instructions") {
        bail!("only `instructions` have a baseline to accept");
    }
    let Some(name) = name else {
        for proof in PROOFS {
            say(&format!("{:24} {}", proof.name, proof.shows));
        }
        return Ok(Verdict::Holds);
    };
    let Some(proof) = PROOFS.iter().find(|proof| proof.name == name) else {
        let known: Vec<_> = PROOFS.iter().map(|proof| proof.name).collect();
        bail!("there is no proof `{name}`; there are {}", known.join(", "));
    };
    workspace.fetch()?;
    proof.run(workspace, gate)
}

impl Proof {
    #[expect(clippy::disallowed_methods, reason = "no registry runs here, whose clock it would be")]
    fn run(&self, workspace: &Workspace, gate: Gate) -> Result<Verdict> {
        let folder = workspace.path("target/prove");
        std::fs::create_dir_all(&folder).context("cannot make target/prove")?;
        let figures = folder.join(format!("{}.figures.json", self.name));
        // The report must not contain figures of an earlier run.
        if figures.exists() {
            std::fs::remove_file(&figures).context("cannot remove the last figures")?;
        }
        let started = Instant::now();
        let calls = match self.how {
            How::Mutants | How::Instructions | How::Regressions | How::Fuzz | How::Packages => {
                let (verdict, figures) = match self.how {
                    How::Mutants => mutants::prove(workspace)?,
                    How::Packages => (packages::prove(workspace)?, Value::Null),
                    How::Regressions => regressions::prove(workspace)?,
                    How::Fuzz => fuzz::prove(workspace)?,
                    _ => instructions::prove(workspace, gate)?,
                };
                return self.conclude(workspace, verdict, None, figures, started.elapsed());
            }
            How::Models => vec![models::all(workspace, models::LONG)],
            How::Miri => miri::calls(workspace)?,
            How::Sanitizers => sanitizers::calls(workspace)?,
            How::Tests { package, binary, filter } => {
                vec![tests(workspace, package, binary, filter)]
            }
            How::Example { package, binary } => {
                let mut call = workspace.cargo_on_examples("test");
                call.args(["--package", package, "--test", binary, "--", "--nocapture"]);
                vec![call]
            }
            How::Screens => vec![
                tests(workspace, "node0-live-page", "it", "screens::"),
                tests(workspace, "node0-demo-server", "service", "page::pictures"),
            ],
            How::Streams => vec![
                tests(workspace, "node0-demo-server", "service", "stream::load::"),
                tests(workspace, "node0", "it", "streams::"),
            ],
        };
        let (mut verdict, mut run) = (Verdict::Holds, TestRun::default());
        for mut call in calls {
            call.env("NODE0_PROVE", "long").env("NODE0_PROVE_FIGURES", &figures).env("CI", "true");
            let (of_call, part) = TestRun::of(&mut call)?;
            verdict = verdict.and(of_call);
            run.passed += part.passed;
            run.failed += part.failed;
        }
        let figures = std::fs::read_to_string(&figures).unwrap_or_default();
        let figures = serde_json::from_str(&figures).unwrap_or(Value::Null);
        self.conclude(workspace, verdict, Some(run), figures, started.elapsed())
    }

    fn conclude(
        &self,
        workspace: &Workspace,
        verdict: Verdict,
        run: Option<TestRun>,
        figures: Value,
        took: Duration,
    ) -> Result<Verdict> {
        let report = self.report(verdict, run.as_ref(), figures, took);
        let path = format!("target/prove/{}.json", self.name);
        workspace.write(&path, &format!("{report:#}\n"))?;
        say(&format!("{} {}: {} ({path})", word(verdict), self.name, self.shows));
        Ok(verdict)
    }

    /// Returns the JSON that is saved; only a run of tests has `passed` and `failed`.
    fn report(
        &self,
        verdict: Verdict,
        run: Option<&TestRun>,
        figures: Value,
        took: Duration,
    ) -> Value {
        json!({
            "name": self.name,
            "shows": self.shows,
            "verdict": word(verdict),
            "passed": run.map(|run| run.passed),
            "failed": run.map(|run| run.failed),
            "seconds": took.as_secs_f64(),
            "figures": figures,
        })
    }
}

/// Returns the call that runs the tests of a package with this part in their names.
fn tests(workspace: &Workspace, package: &str, binary: &str, filter: &str) -> Command {
    let mut call = workspace.cargo(&["test", "--locked", "--offline"]);
    call.args(["--package", package, "--test", binary, "--all-features"]);
    call.args(["--", filter, "--nocapture"]);
    call
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::FallsShort => "falls short",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_proof_is_an_error_that_lists_the_known() {
        let error = run(&Workspace::of_this_build(), Some("nothing"), Gate::Compare);
        let error = error.expect_err("unknown");
        assert!(error.to_string().contains("unpacked-tools"), "{error}");
    }

    #[test]
    fn only_instructions_can_be_accepted() {
        let error = run(&Workspace::of_this_build(), Some("core"), Gate::Accept);
        assert!(error.expect_err("no baseline").to_string().contains("`instructions`"));
    }

    #[test]
    fn nightly_run_names_every_proof() {
        let nightly = Workspace::of_this_build().read(".github/workflows/nightly.yml");
        let nightly = nightly.expect("a nightly workflow");
        for proof in PROOFS {
            let line = format!("          - {}\n", proof.name);
            assert!(nightly.contains(&line), "nightly.yml lacks `{}`", proof.name);
        }
    }

    #[test]
    fn report_carries_verdict_and_figures() {
        let report =
            PROOFS[0].report(Verdict::FallsShort, None, json!({ "runs": 5 }), Duration::ZERO);
        assert_eq!(
            (&report["verdict"], &report["figures"]["runs"]),
            (&json!("falls short"), &json!(5))
        );
    }
}
