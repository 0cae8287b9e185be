//! The counting: finds valgrind, builds the program, and runs each path under callgrind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::{Counts, NotHere};
use crate::verdict::Verdict;
use crate::workspace::{Workspace, output_of, passes};

/// The function whose instructions are counted, in `crates/hot-paths/src/repeat.rs`.
const COUNTED: &str = "*::repeat::counted*";

/// Settings of the C library's heap, by which it never gives memory back to the system.
///
/// When it does so depends on where the heap begins, and that on the length of the program's path.
const HEAP: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
    ("MALLOC_TOP_PAD_", "67108864"),
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
];

/// Finds or unpacks valgrind.
pub(crate) fn valgrind(workspace: &Workspace) -> Result<PathBuf> {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-testbed", "--bin", "testbed-tools", "--", "valgrind"]);
    let output = call.output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let after = |start| said.lines().find_map(|line| line.strip_prefix(start));
    match (after("tool valgrind: "), after("MISSING ")) {
        (Some(path), _) => Ok(PathBuf::from(path)),
        (None, Some(reason)) => Err(NotHere::because(reason).into()),
        (None, None) => bail!("no word of valgrind: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Builds the program and counts the instructions of each of its paths.
pub(super) fn count(workspace: &Workspace, valgrind: &Path, target: &str) -> Result<Counts> {
    let mut build = workspace.cargo(&["build", "--profile", "instructions"]);
    build.args(["--locked", "--offline", "--package", "node0-hot-paths", "--target-dir", target]);
    ensure!(passes(&mut build)? == Verdict::Holds, "the paths do not compile");
    let program = workspace.path(target).join("instructions/node0-hot-paths");
    let listed = output_of(&mut Command::new(&program))?;
    let waiting = Mutex::new(listed.lines());
    let counts = Mutex::new(Counts::new());
    let work = || -> Result<()> {
        // The lock is released before the path is run.
        while let Some(line) = { waiting.lock().ok().and_then(|mut lines| lines.next()) } {
            let (path, times) = line.split_once(' ').context("a path without a number")?;
            let count = count_of(valgrind, &program, path, times.parse()?)?;
            counts.lock().map_err(|_| anyhow!("a thread panicked"))?.insert(path.to_owned(), count);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|it| it.join().map_err(|_| anyhow!("it panicked"))?);
        ends.collect::<Result<()>>()
    })?;
    Ok(with_differences(counts.into_inner().map_err(|_| anyhow!("a thread panicked"))?))
}

/// Adds what is ours of a path that also exists without us: `added-x` for `watched-x` and `alone-x`.
///
/// Two percent of a whole request are many instructions, and a sixth of what we add to it.
fn with_differences(mut counts: Counts) -> Counts {
    let added = counts.iter().filter_map(|(path, watched)| {
        let (group, name) = path.split_once("/watched-")?;
        let alone = counts.get(&format!("{group}/alone-{name}"))?;
        Some((format!("{group}/added-{name}"), one_decimal(watched - alone)))
    });
    let added: Vec<_> = added.collect();
    counts.extend(added);
    counts
}

fn one_decimal(count: f64) -> f64 {
    (count * 10.0).round() / 10.0
}

/// Returns the instructions of one repetition, with one decimal.
fn count_of(valgrind: &Path, program: &Path, path: &str, times: u64) -> Result<f64> {
    let mut call = Command::new(valgrind);
    call.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    call.arg(format!("--toggle-collect={COUNTED}")).arg(program).args([path, &times.to_string()]);
    let output = call.envs(HEAP).output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{path} failed: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.with_context(|| format!("callgrind counted nothing: {said}"))?;
    let count: u64 = count.trim().parse().context("callgrind's count is no number")?;
    ensure!(count > 0, "{path} never entered `{COUNTED}`");
    Ok(one_decimal(count as f64 / times as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_share_of_a_path_is_a_path_too() {
        let measured = [("a/alone-x", 70.0), ("a/watched-x", 81.1), ("b/watched-x", 9.0)];
        let measured = measured.map(|(path, count)| (path.to_owned(), count));
        let added = with_differences(measured.into());
        assert_eq!((added.len(), added["a/added-x"]), (4, 11.1));
    }
}
