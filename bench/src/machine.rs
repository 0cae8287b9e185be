//! The machine and the program of a run, and how restless the machine was.
//!
//! A verdict needs a machine whose speed is its own. Before and after each question a fixed
//! piece of work is timed by the thread's processor time, which other programs do not
//! lengthen as long as they leave the core's caches and clock rate alone. The limits are far
//! beyond what a shared machine with a few busy neighbours shows, see `docs/bench.md`.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use bench_report::{About, Machine, Peer, Scope, Unrest};
use rig::stats::{quantile, sorted};
use rig::stopwatch;

/// The limits beyond which no verdict is given.
const SPREAD: f64 = 0.35;
const STOLEN: f64 = 0.15;
const OTHERS: f64 = 0.4;

/// The pieces of work before each question.
const PIECES: usize = 10;

/// Watches the machine during a run.
pub(crate) struct Watch {
    pieces: Vec<f64>,
    before: Option<Ticks>,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn start() -> Self {
        let mut watch = Self { pieces: Vec::new(), before: Ticks::now() };
        watch.look();
        watch
    }

    /// Times the fixed piece of work a few times.
    pub(crate) fn look(&mut self) {
        // The first piece warms up the core.
        piece();
        self.pieces.extend((0..PIECES).map(|_| piece()));
    }

    /// Ends with what was seen.
    pub(crate) fn end(mut self) -> Unrest {
        self.look();
        let sorted = sorted(&self.pieces);
        let spread = (quantile(&sorted, 0.9) - quantile(&sorted, 0.1)) / quantile(&sorted, 0.5);
        let shares = self.before.zip(Ticks::now()).map(|(before, after)| after.since(&before));
        let (stolen, others) = shares.unwrap_or_default();
        Unrest { spread, stolen, others, reasons: reasons(spread, stolen, others) }
    }
}

fn reasons(spread: f64, stolen: f64, others: f64) -> Vec<String> {
    let mut reasons = Vec::new();
    if spread > SPREAD {
        reasons.push(format!(
            "the same work took times that differ by {:.0} %, and a verdict needs less than \
             {:.0} %: end other programs, or wait until they have ended",
            spread * 100.0,
            SPREAD * 100.0
        ));
    }
    if stolen > STOLEN {
        reasons.push(format!(
            "{:.0} % of the time went to other virtual machines, and a verdict needs less than \
             {:.0} %: use another machine, or another hour",
            stolen * 100.0,
            STOLEN * 100.0
        ));
    }
    if others > OTHERS {
        reasons.push(format!(
            "other programs used {:.0} % of the cores, and a verdict needs less than {:.0} %: end \
             them, or wait until they have ended",
            others * 100.0,
            OTHERS * 100.0
        ));
    }
    reasons
}

/// Does a fixed piece of work, about a millisecond, and returns its nanoseconds.
fn piece() -> f64 {
    let took = stopwatch::time_alone(|| {
        let mut state = black_box(88_172_645_463_325_252_u64);
        for _ in 0..400_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        black_box(state);
    });
    took.as_nanos() as f64
}

/// The processor time of the machine and of this program with its children, in ticks.
struct Ticks {
    all: u64,
    busy: u64,
    stolen: u64,
    ours: u64,
}

impl Ticks {
    /// Reads the counters; only Linux has them.
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let ours = fs::read_to_string("/proc/self/stat").ok()?;
        Self::parse(&stat, &ours)
    }

    fn parse(stat: &str, ours: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line.split_whitespace().map_while(|it| it.parse().ok()).collect();
        let [user, nice, system, idle, wait, interrupts, soft, stolen] = *ticks.get(..8)? else {
            return None;
        };
        let busy = user + nice + system + interrupts + soft;
        // The name of the program is in brackets and may contain blanks.
        let (_, after) = ours.rsplit_once(") ")?;
        let own = after.split(' ').skip(11).take(4).map_while(|it| it.parse::<u64>().ok()).sum();
        Some(Self { all: busy + idle + wait + stolen, busy, stolen, ours: own })
    }

    /// Returns the shares of all time that were stolen, and that other programs used.
    fn since(&self, before: &Self) -> (f64, f64) {
        let all = self.all.saturating_sub(before.all).max(1) as f64;
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.ours.saturating_sub(before.ours));
        (self.stolen.saturating_sub(before.stolen) as f64 / all, others as f64 / all)
    }
}

/// Returns the machine.
pub(crate) fn machine() -> Machine {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = ["ostype", "osrelease"]
        .map(|name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default());
    let kernel = kernel.map(|name| name.trim().to_owned()).join(" ");
    Machine {
        processor: model.map_or(std::env::consts::ARCH, |(_, model)| model).to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        system: if kernel.len() > 1 { kernel } else { std::env::consts::OS.to_owned() },
    }
}

/// Returns the program that is measured.
pub(crate) fn about(scope: Scope, seconds: f64) -> About {
    let version = version_of("node0", include_str!("../Cargo.lock")).unwrap_or("unknown");
    About {
        version: version.to_owned(),
        commit: commit().unwrap_or_default(),
        compiler: output("rustc", &["--version"]).unwrap_or_default(),
        date: today(),
        scope,
        seconds,
    }
}

/// Returns the peers: the dependencies of this package at an exact version.
pub(crate) fn peers() -> Vec<Peer> {
    let pinned = include_str!("../Cargo.toml").lines().filter_map(|line| {
        let (name, rest) = line.split_once(" = ")?;
        let (_, version) = rest.split_once("\"=")?;
        let (version, _) = version.split_once('"')?;
        Some(Peer { name: name.to_owned(), version: version.to_owned() })
    });
    let mut peers: Vec<Peer> = pinned.collect();
    peers.sort_by(|a, b| a.name.cmp(&b.name));
    peers
}

fn version_of<'a>(package: &str, lock: &'a str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(after.split_once('"')?.0)
}

/// Returns the commit, with a plus if files were changed since.
fn commit() -> Option<String> {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit}+") })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut call = Command::new(program);
    let output = call.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a run has the day on which it was made")]
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// Returns the date of a day after 1 January 1970.
fn date(days: u64) -> String {
    // Years begin in March, so that a leap day is the last day of its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_becomes_a_date() {
        let dates = [0, 59, 11_016, 20_787].map(date);
        assert_eq!(dates, ["1970-01-01", "1970-03-01", "2000-02-29", "2026-11-30"]);
    }

    #[test]
    fn time_of_others_is_busy_time_without_ours() {
        let ticks = |stat: &str, ours: &str| Ticks::parse(stat, ours).expect("both are whole");
        let ours = |ticks: u64| format!("7 (a b) S {}{ticks} 0 0 0 0", "0 ".repeat(10));
        let before = ticks("cpu  100 0 0 100 0 0 0 0 0 0\n", &ours(10));
        let after = ticks("cpu  150 0 10 130 0 0 0 10 0 0\n", &ours(40));
        assert_eq!(after.since(&before), (0.1, 0.3));
    }

    #[test]
    fn peers_are_what_the_manifest_pins() {
        let peers = peers();
        let has = |name: &str| peers.iter().any(|peer| peer.name == name);
        assert!(has("prometheus-client") && has("metriken") && !has("axum"));
    }

    #[test]
    fn restless_machine_gets_a_reason_and_a_calm_one_none() {
        assert!(reasons(0.1, 0.05, 0.2).is_empty());
        assert_eq!(reasons(0.5, 0.3, 0.7).len(), 3);
    }
}
