//! The pictures of the report, each with the sentence that says what it shows.

use std::fmt::Write as _;

use super::lines::{Chart, Line, Mapping};
use super::rows::{self, Mark, Row, Scale};
use super::text;
use crate::figures::{amount, percent, plain, range, share};
use crate::overhead::{self, Peers, Shares};
use crate::run::{Beside, Entry, Kind, Race, Run, Unit};

/// Returns all pictures but that of the request for which the run has figures.
pub(super) fn others(run: &Run) -> String {
    [records(run), growth(run), scrapes(run), memory(run), rest(run)].concat()
}

/// Returns the most important figures as tiles.
pub(super) fn tiles(run: &Run) -> String {
    let mut out = String::new();
    let mut tile = |figure: String, words: &str| {
        let _ = write!(out, "<div class=\"tile\"><b>{figure}</b><span>{words}</span></div>");
    };
    let shares = Shares::over_loopback(run).worst().or_else(|| Shares::in_process(run).worst());
    if let Some((race, share)) = shares {
        let words = match race.id.contains("/process/") {
            true => "of a request within the process, without a kernel",
            false => "of a request’s processor time over loopback, the worst of all rows",
        };
        tile(format!("{:+.2} %", percent(share.median)), words);
    }
    for (id, words) in [
        ("counter/held/1t", "to count, on a held handle"),
        ("latency/held/1t", "to record a latency, on a held handle"),
        ("scrape/counters/10000", "to scrape ten thousand counters"),
    ] {
        if let Some(entry) = run.race(id).and_then(|race| race.entry("node0")) {
            tile(amount(Unit::Nanoseconds, entry.measured.median), words);
        }
    }
    if out.is_empty() { out } else { format!("<div class=\"tiles\">{out}</div>\n") }
}

/// Returns the class of a contender, which sets its colour.
fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Node0 => "node0",
        Kind::Peer => "peer",
        Kind::Floor => "floor",
        Kind::Apart => "apart",
    }
}

const LEGEND: &str = "<div class=\"legend\"><span><i style=\"background:var(--node0)\"></i>node0\
    </span><span><i style=\"background:var(--peer)\"></i>peers</span><span><i \
    style=\"background:var(--floor)\"></i>floor: the necessary work, without a library</span>\
    </div>\n";

/// The added share of a request, with its interval beside the line of one percent.
pub(super) fn request(run: &Run) -> String {
    let (loopback, process) = (Shares::over_loopback(run), Shares::in_process(run));
    let demo = Shares::of_demo(run);
    if loopback.is_empty() && process.is_empty() && demo.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>A request</h2>\n");
    if !loopback.is_empty() {
        let _ = write!(
            out,
            "<p>What each row adds to the processor time of a request to the same service without \
             it, over loopback, with the interval of 95 % confidence. The service answers with \
             thirteen bytes, so no real request has a larger share. ‘A/A’ measures the same \
             service against itself and must contain zero.</p>\n<div class=\"card\">{}</div>\n",
            shares(&loopback, Peers::Beyond)
        );
    }
    if !demo.is_empty() {
        let _ = write!(
            out,
            "<p>The demo’s own requests, with its database and its cache, whose pool, cache tiers \
             and operation are measured too. This is closer to a real service.</p>\n<div \
             class=\"card\">{}</div>\n",
            shares(&demo, Peers::Beyond)
        );
    }
    if !process.is_empty() {
        let _ = write!(
            out,
            "<p>The same within the process, through a pipe instead of the kernel’s sockets. It \
             shows smaller differences, and the peers for scale. Parsing, the client and the pipe \
             are all that is counted besides, so the shares are not those of a service.</p>\n<div \
             class=\"card\">{}</div>\n",
            shares(&process, Peers::Inside)
        );
    }
    out
}

fn shares(shares: &Shares<'_>, peers: Peers) -> String {
    let (min, max, step) = shares.extent(peers);
    let first = (min / step).ceil() as i64;
    let last = (max / step).round() as i64;
    let ticks = (first..=last).map(|tick| tick as f64 * step);
    let ticks = ticks.map(|at| (at, format!("{} %", plain(at * 100.0)))).collect();
    let limit = shares.limit().map(|at| (at, format!("budget {} %", plain(at * 100.0))));
    let scale = Scale { min, max, ticks, limit };
    let mut rows = Vec::new();
    for (race, entries) in shares.races() {
        rows.push(heading(&race.title));
        rows.extend(entries.iter().map(|(entry, added)| Row {
            class: class(entry.kind),
            label: overhead::name(entry).to_owned(),
            value: share(added),
            tip: format!("{}, {}: {}", race.title, entry.name, share(added)),
            mark: Mark::Interval(*added),
        }));
    }
    rows::chart(&scale, &rows)
}

fn heading(title: &str) -> Row {
    let (value, tip) = (String::new(), String::new());
    Row { class: "head", label: title.to_owned(), value, tip, mark: Mark::None }
}

/// A bar for each contender of a race.
fn bars(race: &Race) -> String {
    let most = race.entries.iter().map(|entry| entry.measured.median).fold(0.0, f64::max);
    let scale = rows::from_zero(race.unit, most);
    let mut entries: Vec<&Entry> = race.entries.iter().collect();
    // node0 comes first, then the others from the smallest to the largest.
    let order = |entry: &&Entry| (entry.kind != Kind::Node0, entry.measured.median);
    entries.sort_by(|a, b| order(a).0.cmp(&order(b).0).then(order(a).1.total_cmp(&order(b).1)));
    let rows: Vec<Row> = entries
        .into_iter()
        .map(|entry| Row {
            class: class(entry.kind),
            label: entry.name.clone(),
            value: amount(race.unit, entry.measured.median),
            tip: format!(
                "{}: {} {}",
                entry.name,
                amount(race.unit, entry.measured.median),
                range(race.unit, &entry.measured)
            ),
            mark: Mark::Bar(entry.measured),
        })
        .collect();
    let title = text(&race.title);
    format!("<div class=\"card\"><h3>{title}</h3>{}</div>\n", rows::chart(&scale, &rows))
}

fn cards<'a>(title: &str, words: &str, races: impl Iterator<Item = &'a Race>) -> String {
    let cards: String = races.map(bars).collect();
    match cards.is_empty() {
        true => String::new(),
        false => {
            format!(
                "<h2>{title}</h2>\n<p>{words}</p>\n{LEGEND}<div class=\"grid\">\n{cards}</div>\n"
            )
        }
    }
}

/// The cost of a record, beside the peers.
fn records(run: &Run) -> String {
    let races =
        run.races.iter().filter(|race| race.group == "core" && !race.id.starts_with("worst-case"));
    cards(
        "A record",
        "The time of one operation: an increment of a counter or a latency recorded, through a \
         handle that is held, by name, on one thread and on two at once. A shorter bar is better.",
        races,
    )
}

/// The cost of a record against threads, and against the number of series.
fn growth(run: &Run) -> String {
    let mut out = String::new();
    for (kind, words) in [("counter", "Count"), ("latency", "Record a latency")] {
        let threads = run.races.iter().filter_map(|race| {
            let count = race.id.strip_prefix(kind)?.strip_prefix("/held/")?.strip_suffix('t')?;
            Some((count.parse().ok()?, race))
        });
        let threads: Vec<(f64, &Race)> = threads.collect();
        let caption = "Time of one record, against the threads that record into the same series";
        out.push_str(&curve(&format!("{words}, by threads"), &threads, Mapping::Log, caption));
        let series = [(1.0, format!("{kind}/held/1t")), (1000.0, format!("{kind}/many/1t"))];
        let series = series.into_iter().filter_map(|(count, id)| Some((count, run.race(&id)?)));
        let series: Vec<(f64, &Race)> = series.collect();
        let caption = "Time of one record, against the series from which each is chosen at random";
        out.push_str(&curve(&format!("{words}, by series"), &series, Mapping::Log, caption));
    }
    match out.is_empty() {
        true => out,
        false => format!(
            "<h2>Threads and series</h2>\n<p>Where threads share a cell they wait for each other, \
             and where there are many series their cells leave the nearest cache. A line that \
             stays flat does neither. Both scales are logarithmic.</p>\n<div class=\"grid\">\n\
             {out}</div>\n"
        ),
    }
}

/// The time of a scrape, against the number of series.
fn scrapes(run: &Run) -> String {
    let sizes = run
        .races
        .iter()
        .filter_map(|race| Some((race.id.strip_prefix("scrape/counters/")?.parse().ok()?, race)));
    let sizes: Vec<(f64, &Race)> = sizes.collect();
    let caption = "Time of a scrape, against the number of counters";
    let chart = curve("Scrape of counters", &sizes, Mapping::Log, caption);
    let others = run
        .races
        .iter()
        .filter(|race| race.group == "scrape" && !race.id.starts_with("scrape/counters/"));
    let others: String = others.map(bars).collect();
    if chart.is_empty() && others.is_empty() {
        return String::new();
    }
    format!(
        "<h2>A scrape</h2>\n<p>Reading all cells and rendering the page of text. ‘Floor, copy’ only \
         copies the same page with its numbers. Both scales are logarithmic.</p>\n<div \
         class=\"grid\">\n{chart}{others}</div>\n"
    )
}

/// A line for each contender that takes part in at least two of the races.
fn curve(title: &str, races: &[(f64, &Race)], across: Mapping, caption: &str) -> String {
    let Some((_, first)) = races.first() else { return String::new() };
    let mut lines: Vec<Line> = Vec::new();
    for entry in races.iter().flat_map(|(_, race)| &race.entries) {
        let is_part = entry.kind == Kind::Node0 && entry.name != "node0";
        if is_part || lines.iter().any(|line| line.name == entry.name) {
            continue;
        }
        let points = races
            .iter()
            .filter_map(|(at, race)| Some((*at, race.entry(&entry.name)?.measured.median)));
        let points: Vec<_> = points.collect();
        if points.len() >= 2 {
            lines.push(Line { class: class(entry.kind), name: entry.name.clone(), points });
        }
    }
    let unit = first.unit;
    let ticks = races.iter().map(|(at, _)| (*at, plain(*at))).collect();
    let up = Mapping::Log;
    let drawn = Chart { lines, across, up, ticks, unit, caption }.draw();
    if drawn.is_empty() {
        return drawn;
    }
    format!("<div class=\"card\"><h3>{}</h3>{drawn}</div>\n", text(title))
}

/// The memory over time, where it was followed, and all other figures in bytes.
fn memory(run: &Run) -> String {
    let courses =
        run.races.iter().filter(|race| race.entries.iter().any(|entry| entry.course.len() > 1));
    let courses: String = courses.map(course).collect();
    let rest = run.races.iter().filter(|race| {
        race.unit == Unit::Bytes && race.entries.iter().all(|entry| entry.course.is_empty())
    });
    let rest: String = rest.map(bars).collect();
    match courses.is_empty() && rest.is_empty() {
        true => String::new(),
        false => format!(
            "<h2>Memory</h2>\n<p>A line that rises to the end is memory that is never \
             returned.</p>\n{LEGEND}<div class=\"grid\">\n{courses}{rest}</div>\n"
        ),
    }
}

fn course(race: &Race) -> String {
    let followed = race.entries.iter().filter(|entry| entry.course.len() > 1);
    let lines = followed.map(|entry| Line {
        class: class(entry.kind),
        name: entry.name.clone(),
        points: entry.course.clone(),
    });
    let lines: Vec<Line> = lines.collect();
    let end = lines.iter().filter_map(|line| Some(line.points.last()?.0)).fold(0.0, f64::max);
    let step = rows::round_step(end / 4.0);
    let ticks = (0..=(end / step) as usize).map(|tick| tick as f64 * step);
    let ticks = ticks.map(|at| (at, format!("{} s", plain(at)))).collect();
    let (unit, across, up, caption) =
        (race.unit, Mapping::Linear, Mapping::Linear, "Over the seconds of the run");
    let drawn = Chart { lines, across, up, ticks, unit, caption }.draw();
    format!("<div class=\"card\"><h3>{}</h3>{drawn}</div>\n", text(&race.title))
}

/// The races that no other picture shows.
fn rest(run: &Run) -> String {
    let is_shown = |race: &Race| {
        matches!(race.group.as_str(), "scrape")
            || (race.group == "core" && !race.id.starts_with("worst-case"))
            || race.unit == Unit::Bytes
            || race.entries.iter().any(|entry| matches!(entry.beside, Some(Beside::Share(_))))
    };
    cards(
        "Everything else",
        "Handles of the monitors, the pass that node0 makes every second, and the longest time \
         that a record makes its caller wait. A shorter bar is better.",
        run.races.iter().filter(|race| !is_shown(race)),
    )
}
