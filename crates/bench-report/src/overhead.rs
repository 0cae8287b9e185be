//! The share of node0 in a request: the rows of the plot, and the plot as a picture of its own.
//!
//! The picture stands in `docs/performance.md`. It has a fixed size and a background, so that
//! it can be read on any page, and follows the reader's choice of light or dark.

use std::fmt::Write as _;

use crate::figures::{plain, share};
use crate::html::text;
use crate::run::{Beside, Entry, Kind, Race, Run};
use crate::stats::Estimate;

/// The contender that is measured against itself.
const AGAIN: &str = "apart, router alone again";

/// The place of peers whose share is many times that of node0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peers {
    /// Beyond the scale, which then shows small shares.
    Beyond,
    /// On the scale.
    Inside,
}

/// The rows of races whose entries add a share to another's time.
pub(crate) struct Shares<'a>(Vec<(&'a Race, Vec<(&'a Entry, Estimate)>)>);

impl<'a> Shares<'a> {
    /// Returns the rows of the smallest request, over loopback.
    pub(crate) fn over_loopback(run: &'a Run) -> Self {
        Self::of(run, |id| !id.contains(PROCESS) && !id.contains(DEMO))
    }

    /// Returns the rows of the smallest request, within the process.
    pub(crate) fn in_process(run: &'a Run) -> Self {
        Self::of(run, |id| id.contains(PROCESS))
    }

    /// Returns the rows of the demo's own requests.
    pub(crate) fn of_demo(run: &'a Run) -> Self {
        Self::of(run, |id| id.contains(DEMO))
    }

    fn of(run: &'a Run, is_wanted: impl Fn(&str) -> bool) -> Self {
        let races = run.races.iter().filter(|race| is_wanted(&race.id));
        let races = races.map(|race| {
            let shares = race.entries.iter().filter_map(|entry| match entry.beside {
                Some(Beside::Share(added)) => Some((entry, added)),
                _ => None,
            });
            (race, shares.collect::<Vec<_>>())
        });
        Self(races.filter(|(_, shares)| !shares.is_empty()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn races(&self) -> impl Iterator<Item = &(&'a Race, Vec<(&'a Entry, Estimate)>)> {
        self.0.iter()
    }

    fn rows(&self) -> impl Iterator<Item = &(&'a Entry, Estimate)> {
        self.0.iter().flat_map(|(_, rows)| rows)
    }

    /// Returns the largest share of node0 as users get it.
    pub(crate) fn worst(&self) -> Option<(&'a Race, Estimate)> {
        let ours = self.0.iter().flat_map(|(race, rows)| {
            let ours = rows.iter().filter(|(entry, _)| entry.name == "node0");
            ours.map(move |(_, added)| (*race, *added))
        });
        ours.max_by(|a, b| a.1.median.total_cmp(&b.1.median))
    }

    /// Returns the line of the budget, if one of the races has such a budget.
    pub(crate) fn limit(&self) -> Option<f64> {
        let budgets = self.0.iter().flat_map(|(race, _)| &race.budgets);
        budgets.filter(|budget| budget.is_share).map(|budget| budget.limit).reduce(f64::max)
    }

    /// Returns the smallest and the largest share of the scale, and the distance of its ticks.
    ///
    /// node0 and the line of its budget are always inside.
    pub(crate) fn extent(&self, peers: Peers) -> (f64, f64, f64) {
        let is_inside = |entry: &Entry| peers == Peers::Inside || entry.kind != Kind::Peer;
        let ours = self.rows().filter(|(entry, _)| is_inside(entry));
        let (mut low, mut high) = (0.0_f64, 1.5 * self.limit().unwrap_or_default());
        for (_, added) in ours {
            (low, high) = (low.min(added.low), high.max(added.high));
        }
        let step = match high {
            ..0.006 => 0.001,
            ..0.02 => 0.0025,
            ..0.045 => 0.005,
            ..0.09 => 0.01,
            ..0.2 => 0.025,
            ..0.4 => 0.05,
            _ => 0.2,
        };
        let max = (high / step).ceil() * step;
        // A small negative share needs a little room, not a whole step.
        let room = -0.04 * max;
        (if low > room { room } else { (low / step).floor() * step }, max, step)
    }
}

/// The parts of names of races that are drawn apart.
const PROCESS: &str = "/process/";
const DEMO: &str = "/demo/";

/// Returns the name of a row for people.
pub(crate) fn name(entry: &Entry) -> &str {
    match entry.name.as_str() {
        AGAIN => "A/A: service against itself",
        name => name.strip_prefix("apart, ").unwrap_or(name),
    }
}

const STYLE: &str = "\
    svg{--card:#fff;--ink:#1c2128;--soft:#59636e;--grid:#e6eaee;--zero:#a3adba;--node0:#1f6feb;\
    --peer:#a3adba;--floor:#2f9e6e;--limit:#d1242f}\
    @media(prefers-color-scheme:dark){svg{--card:#161b22;--ink:#e6eaf0;--soft:#9aa5b1;\
    --grid:#262d37;--zero:#6c7785;--node0:#58a6ff;--peer:#6c7785;--floor:#3fb98a;--limit:#ff7b72}}\
    text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:var(--soft)}\
    .head{font-weight:600;fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:6px}.ours{font-weight:600;fill:var(--ink)}\
    .node0{--c:var(--node0)}.peer,.apart{--c:var(--peer)}.floor{--c:var(--floor)}\
    .span{stroke:var(--c);stroke-width:8;stroke-opacity:.4;stroke-linecap:round}.dot{fill:var(--c)}\
    .tick{stroke:var(--grid)}.zero{stroke:var(--zero)}\
    .limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:4 3}\
    .limit-name{fill:var(--limit);font-weight:600}";

/// The width of the picture, and the edges of the plot within it.
const WIDTH: f64 = 850.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 620.0;
const ROW: f64 = 24.0;

/// Returns the plot of a request's overhead as an SVG file, or `None` without such figures.
#[must_use]
pub fn picture(run: &Run) -> Option<String> {
    let (loopback, process) = (Shares::over_loopback(run), Shares::in_process(run));
    let (shares, peers) =
        if loopback.is_empty() { (process, Peers::Inside) } else { (loopback, Peers::Beyond) };
    if shares.is_empty() {
        return None;
    }
    let (min, max, step) = shares.extent(peers);
    let place = |at: f64| LEFT + ((at - min) / (max - min)).clamp(0.0, 1.0) * (RIGHT - LEFT);
    let count = shares.races().map(|(_, rows)| rows.len() + 1).sum::<usize>();
    let (top, bottom) = (28.0, 28.0 + count as f64 * ROW + 8.0);
    let height = bottom + 30.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n<title>The share that node0 adds to \
         a request, with its interval</title>\n<style>{STYLE}</style>\n<rect width=\"{WIDTH}\" \
         height=\"{height}\" rx=\"10\" fill=\"var(--card)\"/>\n"
    );
    let (first, last) = ((min / step).ceil() as i64, (max / step).round() as i64);
    for at in (first..=last).map(|tick| tick as f64 * step) {
        let (x, class) = (place(at), if at == 0.0 { "zero" } else { "tick" });
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {top}V{bottom}\"/><text x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{} %</text>",
            bottom + 18.0,
            plain(at * 100.0)
        );
    }
    if let Some(limit) = shares.limit() {
        let x = place(limit);
        let _ = writeln!(
            out,
            "<path class=\"limit\" d=\"M{x:.1} {top}V{bottom}\"/><text class=\"limit-name\" \
             x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">budget {} %</text>",
            plain(limit * 100.0)
        );
    }
    let mut y = top;
    for (race, rows) in shares.races() {
        let _ = writeln!(
            out,
            "<text class=\"head\" x=\"20\" y=\"{:.1}\">{}</text>",
            y + 17.0,
            text(&race.title)
        );
        y += ROW;
        for (entry, added) in rows {
            out.push_str(&row(entry, added, y, max, place));
            y += ROW;
        }
    }
    out.push_str("</svg>\n");
    Some(out)
}

fn row(entry: &Entry, added: &Estimate, y: f64, max: f64, place: impl Fn(f64) -> f64) -> String {
    let (class, words) = match entry.kind {
        Kind::Node0 => ("node0", "ours"),
        Kind::Peer => ("peer", ""),
        Kind::Floor => ("floor", ""),
        Kind::Apart => ("apart", ""),
    };
    let (middle, base) = (y + ROW / 2.0, y + ROW / 2.0 + 4.5);
    let mark = if added.median > max {
        format!(
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">beyond →</text>",
            RIGHT - 4.0
        )
    } else {
        let [low, median, high] = [added.low, added.median, added.high].map(place);
        format!(
            "<path class=\"span\" d=\"M{low:.1} {middle:.1}H{high:.1}\"/><circle class=\"dot\" \
             cx=\"{median:.1}\" cy=\"{middle:.1}\" r=\"5\"/>"
        )
    };
    format!(
        "<g class=\"{class}\"><text class=\"{words}\" x=\"32\" y=\"{base:.1}\">{}</text>{mark}\
         <text class=\"{words}\" x=\"{:.1}\" y=\"{base:.1}\">{}</text></g>\n",
        text(name(entry)),
        RIGHT + 16.0,
        text(&share(added)),
    )
}
