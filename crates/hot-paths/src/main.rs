//! Runs one path a given number of times, for `cargo xtask prove instructions` to count.
//!
//! `node0-hot-paths PATH TIMES`; without arguments it lists the paths, each with the number of
//! times that suffices. A path sets up what it needs, and then repeats its step. All paths are in one program, because linking takes most of the
//! time in which a cold build is made. The clock is a manual one: the real clock calibrates itself
//! for a time, and so for another number of instructions in each process.

mod monitors;
mod record;
mod repeat;
mod request;
mod scrape;
mod served;

use std::error::Error;

use node0_metrics_core::{ManualClock, Registry};

type Failure = Box<dyn Error>;
type Outcome = Result<(), Failure>;

/// A path: its name, and the function that runs it a number of times.
type Path = (&'static str, fn(u64) -> Outcome);

/// Paths of about the same length.
struct Group {
    name: &'static str,
    paths: &'static [Path],
    /// The number of times that suffices: fewer for longer paths.
    times: u64,
}

const GROUPS: &[Group] = &[
    Group { name: "record", paths: record::PATHS, times: 4096 },
    Group { name: "monitors", paths: monitors::PATHS, times: 2048 },
    Group { name: "request", paths: request::PATHS, times: 512 },
    Group { name: "served", paths: served::PATHS, times: 512 },
    Group { name: "pass", paths: scrape::PASSES, times: 64 },
    Group { name: "scrape", paths: scrape::SCRAPES, times: 64 },
];

#[expect(clippy::print_stdout, reason = "it answers on the terminal")]
fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let Some(wanted) = arguments.next() else {
        for Group { name, paths, times } in GROUPS {
            paths.iter().for_each(|(path, _)| println!("{name}/{path} {times}"));
        }
        return Ok(());
    };
    let times = arguments.next().ok_or("say how many times")?.parse()?;
    run(&wanted, times)
}

fn run(wanted: &str, times: u64) -> Outcome {
    let (group, path) = wanted.split_once('/').ok_or("a path has the name of its group first")?;
    let group = GROUPS.iter().find(|known| known.name == group).ok_or("no such group")?;
    let (_, run) = group.paths.iter().find(|(name, _)| *name == path).ok_or("no such path")?;
    run(times)
}

/// Returns a registry whose clock stands still.
fn registry() -> Registry {
    Registry::builder().clock(ManualClock::new().clock()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_runs() {
        for Group { name, paths, .. } in GROUPS {
            for (path, _) in *paths {
                run(&format!("{name}/{path}"), 3).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        }
    }

    #[test]
    fn unknown_path_is_an_error() {
        assert!(run("record/nothing", 1).is_err());
        assert!(run("nothing/counter", 1).is_err());
        assert!(run("counter", 1).is_err());
    }
}
