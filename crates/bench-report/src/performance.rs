//! `docs/performance.md` and the figures of the README, from a published run.
//!
//! The documents hold no figure that somebody typed. What is lost is found by itself: every
//! budget that does not hold, and every race in which a peer is ahead; `losses.rs` has the
//! reasons.

use std::fmt::Write as _;

use crate::figures::{amount, duration, factor, percent, share};
use crate::losses;
use crate::overhead::{self, Shares};
use crate::run::{Beside, Entry, Kind, Race, Run, Unit};
use crate::table;

/// Returns the text of `docs/performance.md`.
#[must_use]
pub fn document(run: &Run) -> String {
    let mut out = String::from(
        "<!-- Written by `cargo xtask generate` from docs/performance.json: do not edit. -->\n\
         # Performance\n\n",
    );
    let about = &run.about;
    let commit = match about.commit.as_str() {
        "" => String::new(),
        commit => format!(" at commit `{commit}`"),
    };
    let _ = writeln!(
        out,
        "One run of `cargo xtask bench` on {}: node0 {}{commit}, {} cores of {}, {}, {}, in {}. \
         Absolute times hold for that machine; ratios hold more widely. A figure is a median with \
         the interval in which the true median lies with 95 % confidence.\n",
        about.date,
        about.version,
        run.machine.cores,
        run.machine.processor,
        run.machine.system,
        about.compiler,
        duration(about.seconds),
    );
    out.push_str(&requests(run));
    out.push_str(&budgets(run));
    out.push_str(&peers(run));
    out.push_str(&lost(run));
    out.push_str(METHOD);
    out
}

const METHOD: &str = "## Method

Each round measures every contender once, in an order that rotates, and every ratio is taken within
a round, so that both sides saw the same machine. One thread is timed by its own processor time,
several threads by wall time. A budget is judged at the worse end of its interval. What was
recorded is read back and compared, so that nobody wins by dropping values. [bench.md](bench.md)
says how to read the figures, and why a request is measured within one binary and one type.

## Repeat it

```sh
cargo xtask bench                 # everything: the table, target/bench/all.json and all.html
cargo xtask bench --quick         # within the process only, in three minutes
cargo xtask bench --publish all   # makes this page and the README's figures of that run
```
";

fn requests(run: &Run) -> String {
    let mut out = String::new();
    if overhead::picture(run).is_some() {
        out.push_str(
            "## A request\n\n![The share that node0 adds to a request, beside the line of one \
             percent](overhead.svg)\n\n",
        );
    }
    let (loopback, process) = (Shares::over_loopback(run), Shares::in_process(run));
    let demo = Shares::of_demo(run);
    for (shares, words) in [
        (
            loopback,
            "What each row adds to the processor time of the smallest request there is, over \
             loopback. *A/A* measures the same service against itself, and must contain zero.",
        ),
        (
            demo,
            "The same for the demo's own requests, with its database and its cache, whose pool, \
             cache tiers and operation are measured too.",
        ),
        (
            process,
            "Within the process, through a pipe instead of sockets. It shows smaller differences \
             and the peers for scale; without a kernel, a share is larger than a service's.",
        ),
    ] {
        if shares.is_empty() {
            continue;
        }
        let _ =
            write!(out, "{words}\n\n| request | row | time | added |\n| --- | --- | --- | --- |\n");
        for (race, rows) in shares.races() {
            for (entry, added) in rows {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | {} |",
                    race.title,
                    overhead::name(entry),
                    amount(race.unit, entry.measured.median),
                    share(added)
                );
            }
        }
        out.push('\n');
    }
    out
}

fn budgets(run: &Run) -> String {
    let mut out = String::from(
        "## Budgets\n\n| figure | measured | peer | ratio | budget | verdict |\n| --- | --- | --- \
         | --- | --- | --- |\n",
    );
    for (race, budget) in run.budgets() {
        let peer = budget.against.as_ref().map_or_else(
            || "–".to_owned(),
            |it| format!("{} {}", it.name, amount(race.unit, it.cost.median)),
        );
        let _ = writeln!(
            out,
            "| {}: {} | {} | {peer} | {} | ≤ {} | {} |",
            race.title,
            budget.ours,
            amount(race.unit, budget.cost.median),
            table::ratio(race.unit, budget),
            table::limit(race.unit, budget),
            table::word(budget)
        );
    }
    out.push('\n');
    out
}

/// The races with peers, a table for each.
fn peers(run: &Run) -> String {
    let names = run.peers.iter().map(|peer| format!("{} {}", peer.name, peer.version));
    let mut out = format!("## Beside the peers\n\n{}.\n\n", names.collect::<Vec<_>>().join(", "));
    for race in &run.races {
        let is_share = |entry: &Entry| matches!(entry.beside, Some(Beside::Share(_)));
        let has_peer = race.entries.iter().any(|entry| entry.kind == Kind::Peer);
        if !has_peer || race.entries.iter().any(is_share) {
            continue;
        }
        let _ = write!(out, "| {} | | |\n| --- | --- | --- |\n", race.title);
        for entry in &race.entries {
            let beside = match &entry.beside {
                Some(Beside::Factor(ratio)) => format!("node0 is {}", factor(ratio)),
                _ => String::new(),
            };
            let figure = amount(race.unit, entry.measured.median);
            let _ = writeln!(out, "| {} | {figure} | {beside} |", entry.name);
        }
        out.push('\n');
    }
    out
}

/// The budgets that do not hold and the races in which a peer is ahead, with the reasons.
fn lost(run: &Run) -> String {
    let mut out = String::from("## Where node0 is not ahead\n\n");
    let mut lines: Vec<(String, &Race, &str)> = Vec::new();
    for (race, budget) in run.budgets().filter(|(_, budget)| !budget.holds()) {
        let (limit, ratio) = (table::limit(race.unit, budget), table::ratio(race.unit, budget));
        let ours = &budget.ours;
        lines.push((format!("budget ≤ {limit}, {ours} is {ratio}"), race, ours));
    }
    for race in &run.races {
        for (ours, peer) in ahead(race) {
            let (a, b) = (ours.measured.median, peer.measured.median);
            let words = format!(
                "{} takes {}, {} {}",
                ours.name,
                amount(race.unit, a),
                peer.name,
                amount(race.unit, b)
            );
            lines.push((words, race, &ours.name));
        }
    }
    for (words, race, ours) in &lines {
        let why = losses::why(&race.id, ours).unwrap_or("The reason is not known yet.");
        let _ = writeln!(out, "- *{}*: {words}. {why}", race.title);
    }
    if lines.is_empty() {
        out.push_str("Nowhere in this run.\n");
    }
    out.push('\n');
    out
}

/// Returns the contenders of node0 that a peer at the same work is ahead of, each with the first.
///
/// The work of an entry with a comma in its name is what follows the comma.
fn ahead(race: &Race) -> Vec<(&Entry, &Entry)> {
    let work = |entry: &Entry| entry.name.split_once(", ").map(|(_, work)| work.to_owned());
    let ours = race.entries.iter().filter(|entry| entry.kind == Kind::Node0);
    let beaten = ours.filter_map(|ours| {
        let peers = race.entries.iter().filter(|entry| {
            entry.kind == Kind::Peer
                && work(entry) == work(ours)
                && entry.measured.median < ours.measured.median
        });
        let first = peers.min_by(|a, b| a.measured.median.total_cmp(&b.measured.median));
        Some((ours, first?))
    });
    beaten.collect()
}

/// Returns the generated parts of the README, each with the name of its markers.
#[must_use]
pub fn readme(run: &Run) -> Vec<(&'static str, String)> {
    vec![("overhead", overhead_words(run)), ("figures", figures(run))]
}

fn overhead_words(run: &Run) -> String {
    let shares = Shares::over_loopback(run);
    let mut parts = Vec::new();
    let added: Vec<(f64, f64)> = shares
        .races()
        .filter_map(|(race, rows)| {
            let (entry, share) = rows.iter().find(|(entry, _)| entry.name == "node0")?;
            let alone = entry.measured.median / (1.0 + share.median);
            Some((entry.measured.median - alone, percent(share.median)))
                .filter(|_| race.unit == Unit::Nanoseconds)
        })
        .collect();
    if let Some((low, high)) = ends(added.iter().map(|it| it.0))
        && let Some((least, most)) = ends(added.iter().map(|it| it.1))
    {
        parts.push(format!(
            "A request costs {low:.0} to {high:.0} ns: {least:.1} to {most:.1} percent of the \
             smallest one there is,\nan empty handler over loopback."
        ));
    }
    let figure = |id: &str| run.race(id)?.entry("node0");
    if let Some((count, latency)) = figure("counter/held/1t").zip(figure("latency/held/1t")) {
        parts.push(format!(
            "A count takes {} and a latency {}, with no lock and no allocation.",
            amount(Unit::Nanoseconds, count.measured.median),
            amount(Unit::Nanoseconds, latency.measured.median)
        ));
    }
    parts.push(
        "[All figures](docs/performance.md) are from one machine; `cargo xtask bench` measures \
         yours.\n"
            .to_owned(),
    );
    parts.join("\n")
}

fn ends(figures: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let low = figures.clone().reduce(f64::min)?;
    Some((low, figures.reduce(f64::max)?))
}

/// The races of the README's table, and its columns.
const ROWS: [(&str, &str); 4] = [
    ("counter/held/1t", "Count on a held handle, one thread"),
    ("counter/held/2t", "Count on a held handle, two threads"),
    ("latency/held/1t", "Record a latency, one thread"),
    ("scrape/counters/10000", "Scrape of 10 000 counters"),
];
const COLUMNS: [&str; 4] = ["node0", "metrics", "prometheus-client", "opentelemetry"];

fn figures(run: &Run) -> String {
    let mut out = format!("| | {} |\n|{}\n", COLUMNS.join(" | "), " --- |".repeat(5));
    for (id, words) in ROWS {
        let Some(race) = run.race(id) else { continue };
        let cells = COLUMNS.map(|name| {
            let entry = race.entry(name);
            entry.map_or("–".to_owned(), |entry| amount(race.unit, entry.measured.median))
        });
        let _ = writeln!(out, "| {words} | {} |", cells.join(" | "));
    }
    out
}
