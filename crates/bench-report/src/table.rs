//! The results as text for a terminal.
//!
//! Each figure is shown with its interval, and each ratio to node0 comes from the same
//! rounds, so that a reader sees how certain it is.

use std::fmt::Write as _;

use crate::change::{Change, Comparison, Word};
use crate::figures::{amount, factor, percent, plain, range, round, share};
use crate::run::{Beside, Budget, Entry, Race, Run, Unit};

/// Returns the figures of a race, a line for each contender and each budget.
#[must_use]
pub fn race(race: &Race) -> String {
    let mut out = format!("{} ({})\n", race.title, race.id);
    for entry in &race.entries {
        let (median, range) =
            (amount(race.unit, entry.measured.median), range(race.unit, &entry.measured));
        let line =
            format!("  {:<27}{median:>11}  {range:<25}{}", entry.name, beside(entry, race.unit));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for budget in &race.budgets {
        let _ = writeln!(out, "  {}", verdict(race.unit, budget));
    }
    out
}

fn beside(entry: &Entry, unit: Unit) -> String {
    let mut text = match &entry.beside {
        Some(Beside::Factor(ratio)) => format!("  node0 is {}", factor(ratio)),
        Some(Beside::Share(added)) => format!("  {}", share(added)),
        None => match &entry.tail {
            Some(tail) => format!("  99th percentile {} of {}", amount(unit, tail.p99), tail.of),
            None => String::new(),
        },
    };
    if entry.lost > 0 {
        let _ = write!(text, "  LOST {} records", entry.lost);
    }
    text
}

/// Returns a budget as a line: its verdict, its limit and the measured figure.
fn verdict(unit: Unit, budget: &Budget) -> String {
    let measured = match budget.against {
        Some(_) => ratio(unit, budget),
        None => {
            format!("{} {}", amount(unit, budget.measured.median), range(unit, &budget.measured))
        }
    };
    let limit = match &budget.against {
        Some(against) if budget.is_share => {
            format!("{} over {}", limit(unit, budget), against.name)
        }
        Some(against) => format!("{} {}", limit(unit, budget), against.name),
        None => limit(unit, budget),
    };
    let floor = budget.floor.as_ref().filter(|_| !budget.holds());
    let floor = floor.map(|it| format!("; {}: {}", it.name, amount(unit, it.cost.median)));
    let (word, floor) = (word(budget), floor.unwrap_or_default());
    format!("{word}: {} ≤ {limit}, is {measured}{floor}", budget.ours)
}

/// Returns the word for a budget.
pub(crate) fn word(budget: &Budget) -> String {
    match budget.used() {
        used if used <= 1.0 => "holds".to_owned(),
        used if used < 2.0 => format!("falls short by {:.0} %", (used - 1.0) * 100.0),
        used => format!("falls short by {used:.1} ×"),
    }
}

/// Returns the limit of a budget, without the name of the contender that it multiplies.
pub(crate) fn limit(unit: Unit, budget: &Budget) -> String {
    match &budget.against {
        Some(_) if budget.is_share => format!("{} %", plain(budget.limit * 100.0)),
        Some(_) => format!("{} ×", plain(budget.limit)),
        None => round(unit, budget.limit),
    }
}

/// Returns the measured ratio or share of a budget; an absolute limit has none.
pub(crate) fn ratio(unit: Unit, budget: &Budget) -> String {
    match &budget.against {
        Some(_) if budget.is_share => share(&budget.measured),
        Some(_) => factor(&budget.measured),
        None => range(unit, &budget.measured),
    }
}

/// Returns all budgets of a run as one table: figure, measured, peer, ratio, budget, verdict.
#[must_use]
pub fn summary(run: &Run) -> String {
    let head = ["figure", "measured", "against", "ratio", "budget", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(run.budgets().map(|(race, budget)| cells(race, budget)));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn cells(race: &Race, budget: &Budget) -> [String; 6] {
    let against = budget.against.as_ref();
    [
        format!("{}: {}", race.id, budget.ours),
        amount(race.unit, budget.cost.median),
        against.map_or_else(
            || "–".to_owned(),
            |it| format!("{} {}", it.name, amount(race.unit, it.cost.median)),
        ),
        ratio(race.unit, budget),
        format!("≤ {}", limit(race.unit, budget)),
        word(budget),
    ]
}

/// Returns a change as a line.
#[must_use]
pub fn change(change: &Change) -> String {
    let figure = format!("{}: {}", change.race, change.name);
    let change_in_percent = change.change.map(percent);
    format!(
        "  {:<8}{figure:<58}{:>+7.2} % [{:+.2} – {:+.2}]",
        change.word().as_str(),
        change_in_percent.median,
        change_in_percent.low,
        change_in_percent.high
    )
}

/// Returns the words of a comparison with their counts.
#[must_use]
pub fn words(comparison: &Comparison) -> String {
    let counts = Word::ALL.map(|word| format!("{} {}", comparison.count(word), word.as_str()));
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Against;
    use crate::stats::Estimate;

    fn budget(high: f64) -> Budget {
        let cost = Estimate { low: 1.0, median: 1.0, high: 1.0 };
        Budget {
            ours: "node0".to_owned(),
            cost,
            against: Some(Against { name: "peer".to_owned(), cost }),
            limit: 0.5,
            is_share: false,
            measured: Estimate { low: 0.1, median: 0.2, high },
            floor: Some(Against { name: "floor".to_owned(), cost }),
        }
    }

    #[test]
    fn shortfall_is_a_share_and_then_a_multiple() {
        let words = [0.5, 0.6, 1.5].map(|high| word(&budget(high)));
        assert_eq!(words, ["holds", "falls short by 20 %", "falls short by 3.0 ×"]);
    }

    #[test]
    fn floor_is_named_where_a_budget_falls_short() {
        let line = verdict(Unit::Nanoseconds, &budget(0.6));
        let expected = "falls short by 20 %: node0 ≤ 0.5 × peer, is 0.20 × [0.10 – 0.60]; \
                        floor: 1.00 ns";
        assert_eq!(line, expected);
        let line = verdict(Unit::Nanoseconds, &budget(0.4));
        assert_eq!(line, "holds: node0 ≤ 0.5 × peer, is 0.20 × [0.10 – 0.40]");
    }

    #[test]
    fn share_over_another_is_in_percent() {
        let budget = Budget { is_share: true, limit: 0.01, ..budget(0.3) };
        let line = verdict(Unit::Nanoseconds, &budget);
        assert!(line.contains("node0 ≤ 1 % over peer, is +20.00 % [+10.00 – +30.00]"), "{line}");
    }
}
