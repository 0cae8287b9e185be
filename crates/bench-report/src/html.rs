//! The report of a run as one HTML page, which needs no script and loads nothing.
//!
//! The pictures are SVG elements in the page. They are written by a small module of this
//! crate: what is drawn are bars, intervals and lines whose widths are percentages and whose
//! colours are those of the page, in light and dark. Libraries for plots draw pictures of
//! fixed size and colours, with text that shrinks on a phone.

mod lines;
mod plots;
mod rows;
mod tables;

use std::fmt::Write as _;

use crate::change::Word;
use crate::figures::{duration, percent};
use crate::run::{Run, Scope};
use crate::table::words;

const STYLE: &str = include_str!("html/style.css");

/// Returns the page; `criterion` is the path of criterion's own report, if there is one.
#[must_use]
pub fn report(run: &Run, criterion: Option<&str>) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>node0 bench: \
         {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        text(&headline(run).1)
    );
    out.push_str(&head(run));
    out.push_str(&tables::changes(run));
    out.push_str(&plots::request(run));
    out.push_str(&tables::budgets(run));
    out.push_str(&plots::others(run));
    out.push_str(&tables::figures(run));
    out.push_str(&foot(run, criterion));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Returns the class and the words of the verdict.
fn headline(run: &Run) -> (&'static str, String) {
    let all = run.budgets().count();
    let short = run.budgets().filter(|(_, budget)| !budget.holds()).count();
    match (all, short) {
        _ if !run.unrest.reasons.is_empty() => {
            ("fair", "no verdict: the machine was too restless".to_owned())
        }
        (0, _) => ("", "no budget was measured".to_owned()),
        (all, 0) => ("good", format!("all {all} budgets hold")),
        (all, short) => ("bad", format!("{short} of {all} budgets do not hold")),
    }
}

fn head(run: &Run) -> String {
    let (class, words) = headline(run);
    let about = &run.about;
    let scope = match about.scope {
        Scope::Full => "everything",
        Scope::Quick => "quick: within the process, no loopback",
    };
    let mut out = format!(
        "<header>\n<div class=\"brand\">node0 bench</div>\n<h1 class=\"{class}\">{}</h1>\n<p \
         class=\"facts\">node0 {} {} · {} · {} · {} cores · {} · {scope} · {}</p>\n",
        text(&capital(&words)),
        text(&about.version),
        text(&about.commit),
        text(&about.date),
        text(&run.machine.processor),
        run.machine.cores,
        text(&run.machine.system),
        duration(about.seconds),
    );
    for reason in &run.unrest.reasons {
        let _ = writeln!(out, "<p class=\"fair\">{}.</p>", text(&capital(reason)));
    }
    out.push_str(&plots::tiles(run));
    out.push_str("</header>\n");
    out
}

fn foot(run: &Run, criterion: Option<&str>) -> String {
    let peers: Vec<String> =
        run.peers.iter().map(|peer| format!("{} {}", peer.name, peer.version)).collect();
    let unrest = &run.unrest;
    let mut out = format!(
        "<h2>Method</h2>\n<p>Each round measures every contender once, in an order that rotates, \
         and every ratio is taken within a round. Figures are medians over all rounds with the \
         interval in which the true median lies with 95 % confidence. A budget is judged at the \
         worse end of its interval. One thread is timed by its own processor time, several \
         threads by wall time.</p>\n<p>Peers: {}. Compiler: {}.</p>\n<p>The machine: a fixed \
         piece of work varied by {:.1} %, {:.1} % of the time went to other virtual machines, and \
         other programs used {:.0} % of the cores.</p>\n",
        text(&peers.join(", ")),
        text(&run.about.compiler),
        percent(unrest.spread),
        percent(unrest.stolen),
        percent(unrest.others),
    );
    if let Some(path) = criterion {
        let _ = writeln!(
            out,
            "<p><a href=\"{}\">criterion’s report</a> has the distributions of node0’s own \
             operations.</p>",
            text(path)
        );
    }
    out.push_str(
        "<footer>Made by <code>cargo xtask bench</code>. docs/bench.md says how to read the \
         figures.</footer>\n",
    );
    out
}

/// Returns the class of a word.
fn class_of(word: Word) -> &'static str {
    match word {
        Word::Better => "good",
        Word::Same => "",
        Word::Worse => "bad",
        Word::Unclear => "fair",
    }
}

/// Returns a text with a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns text as it is written in HTML, also within quotes.
pub(crate) fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(letter),
        }
    }
    out
}
