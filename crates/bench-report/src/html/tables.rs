//! The tables of the report: budgets, changes, and all figures.

use std::fmt::Write as _;

use super::{class_of, text, words};
use crate::change::{Change, Comparison, Word};
use crate::figures::{amount, factor, percent, range, share};
use crate::run::{Beside, Budget, Entry, Race, Run, Unit};
use crate::table;

/// Returns the table of budgets: figure, measured, peer, ratio, budget, verdict.
pub(super) fn budgets(run: &Run) -> String {
    if run.budgets().next().is_none() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>Budgets</h2>\n<p>Each is a limit for one figure of node0, most of them a multiple of \
         what a peer took in the same rounds. The bar shows the used part at the worse end of the \
         interval.</p>\n<div class=\"card\"><table class=\"stacked\"><thead><tr><th>Figure</th>\
         <th>Measured</th><th>Peer</th><th>Ratio</th><th>Budget</th><th>Used</th><th>Verdict</th>\
         </tr></thead><tbody>\n",
    );
    // What does not hold comes first, since a reader looks for it.
    for is_wanted in [false, true] {
        for (race, budget) in run.budgets().filter(|(_, budget)| budget.holds() == is_wanted) {
            out.push_str(&of_budget(race, budget));
        }
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn of_budget(race: &Race, budget: &Budget) -> String {
    let peer = budget.against.as_ref().map_or_else(
        || "–".to_owned(),
        |it| format!("{}<small>{}</small>", text(&it.name), amount(race.unit, it.cost.median)),
    );
    let class = if budget.holds() { "good" } else { "bad" };
    let used = budget.used().max(0.0);
    let (full, over) = (used.min(1.0) * 75.0, (used - 1.0).clamp(0.0, 0.33) * 75.0);
    format!(
        "<tr><td>{}<small>{}</small></td><td data-name=\"Measured\">{}</td><td \
         data-name=\"Peer\">{peer}</td><td data-name=\"Ratio\">{}</td><td data-name=\"Budget\">≤ \
         {}</td><td class=\"used\" data-name=\"Used\"><svg height=\"18\" role=\"img\" \
         aria-label=\"{:.0} % of the budget\"><title>{:.0} % of the budget</title><rect \
         class=\"track\" y=\"6\" width=\"75%\" height=\"7\" rx=\"2\"/><rect class=\"full\" y=\"6\" \
         width=\"{full:.1}%\" height=\"7\" rx=\"2\"/><rect class=\"over\" x=\"75%\" y=\"6\" \
         width=\"{over:.1}%\" height=\"7\"/></svg></td><td class=\"verdict {class}\" \
         data-name=\"Verdict\">{}</td></tr>\n",
        text(&race.title),
        text(&budget.ours),
        amount(race.unit, budget.cost.median),
        table::ratio(race.unit, budget),
        table::limit(race.unit, budget),
        used * 100.0,
        used * 100.0,
        table::word(budget),
    )
}

/// Returns the table of changes since an earlier run, if there is a comparison.
pub(super) fn changes(run: &Run) -> String {
    let Some(comparison) = &run.comparison else { return String::new() };
    let Comparison { with, commit, pairs, .. } = comparison;
    let method = match pairs {
        0 => "The earlier program is missing, so saved figures of another time are compared: \
              differences of a few percent may be the machine’s."
            .to_owned(),
        pairs => format!(
            "Both programs ran in turn, {pairs} processes of each for every question, and each \
             change is taken between neighbours."
        ),
    };
    let mut out = format!(
        "<h2>Since {}</h2>\n<p>{} {} {}</p>\n<div class=\"card\"><table class=\"stacked\"><thead>\
         <tr><th>Figure</th><th>Change</th><th>Word</th></tr></thead><tbody>\n",
        text(with),
        text(&super::capital(&words(comparison))),
        match commit.as_str() {
            "" => "against the saved run.".to_owned(),
            commit => format!("against commit {}.", text(commit)),
        },
        method,
    );
    let listed = |word: Word| comparison.changes.iter().filter(move |it| it.word() == word);
    for change in Word::ALL.into_iter().flat_map(listed) {
        out.push_str(&of_change(change));
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn of_change(change: &Change) -> String {
    let word = change.word();
    let percents = change.change.map(percent);
    format!(
        "<tr><td>{}: {}</td><td data-name=\"Change\">{:+.2} % [{:+.2} – {:+.2}]</td><td \
         class=\"verdict {}\" data-name=\"Word\">{}</td></tr>\n",
        text(&change.race),
        text(&change.name),
        percents.median,
        percents.low,
        percents.high,
        class_of(word),
        word.as_str(),
    )
}

/// Returns all figures, a table for each race.
pub(super) fn figures(run: &Run) -> String {
    let mut out = String::from(
        "<h2>All figures</h2>\n<p>The median over all rounds and its interval; ratios are taken \
         within rounds.</p>\n<div class=\"card\">\n",
    );
    for race in &run.races {
        let _ = writeln!(
            out,
            "<details><summary>{} <span>{}</span></summary><div class=\"wide\"><table><tbody>",
            text(&race.title),
            text(&race.id)
        );
        for entry in &race.entries {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                text(&entry.name),
                amount(race.unit, entry.measured.median),
                range(race.unit, &entry.measured),
                beside(race.unit, entry)
            );
        }
        out.push_str("</tbody></table></div></details>\n");
    }
    out.push_str("</div>\n");
    out
}

fn beside(unit: Unit, entry: &Entry) -> String {
    let mut parts = Vec::new();
    match &entry.beside {
        Some(Beside::Factor(ratio)) => parts.push(format!("node0 is {}", factor(ratio))),
        Some(Beside::Share(added)) => parts.push(share(added)),
        None => {}
    }
    if let Some(tail) = &entry.tail {
        parts.push(format!("99th percentile {} of {}", amount(unit, tail.p99), tail.of));
    }
    if entry.lost > 0 {
        parts.push(format!("lost {} records", entry.lost));
    }
    parts.join(", ")
}
