//! Formats the results of races as a table for people.
//!
//! Each figure is shown with its interval, and each ratio to node0 comes from the same
//! rounds, so that a reader sees how certain it is.

use std::fmt::Write as _;

use crate::budgets::{Verdict, is_peer};
use crate::floors::is_floor;
use crate::questions::request::ALONE;
use crate::results::Medians;
use crate::rounds::{Entry, Race};
use rig::stats::{Estimate, quantile, sorted};

/// Formats a race with its verdicts and, if there is an earlier run, the change since then.
pub(crate) fn race(race: &Race, verdicts: &[Verdict], earlier: Option<&Medians>) -> String {
    let mut out = format!("{} ({})\n", race.title, race.id);
    let ours = race.entries.iter().find(|entry| entry.name == "node0");
    // What is compared with a router alone is shown as what it adds to that.
    let alone = race.entries.iter().find(|entry| entry.name == ALONE);
    let ours = ours.filter(|_| alone.is_none());
    for entry in &race.entries {
        let measured = Estimate::of(&entry.rounds);
        let _ = write!(
            out,
            "  {:<27}{:>11}  {:<25}",
            entry.name,
            nanos(measured.median),
            range(&measured)
        );
        match ours.filter(|_| is_peer(&entry.name) || is_floor(&entry.name)) {
            Some(ours) => {
                let ratio = Estimate::of_ratio(&ours.rounds, &entry.rounds);
                let _ = write!(out, "  node0 is {}", factor(&ratio));
            }
            None if entry.name != ALONE
                && let Some(alone) = alone =>
            {
                let share = Estimate::of_share(&entry.rounds, &alone.rounds);
                let _ = write!(out, "  {}", self::share(&share));
            }
            None => out.push_str(&tail(entry)),
        }
        let before = earlier.and_then(|earlier| earlier.of(&race.id, &entry.name));
        if let Some(before) = before {
            let _ = write!(
                out,
                "  was {}, {:+.1} %",
                nanos(before),
                (measured.median / before - 1.0) * 100.0
            );
        }
        if entry.lost > 0 {
            let _ = write!(out, "  LOST {} records", entry.lost);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    for judged in verdicts {
        let _ = writeln!(out, "  {}", verdict(judged));
    }
    out
}

/// Formats a budget as a line: its verdict, its limit and the measured figure.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let (word, measured, limit) = match &verdict.against {
        Some(against) if verdict.is_share => (
            word(verdict),
            share(&verdict.measured),
            format!("{} % over {against}", verdict.limit * 100.0),
        ),
        Some(against) => {
            (word(verdict), factor(&verdict.measured), format!("{} × {against}", verdict.limit))
        }
        None => {
            let measured = &verdict.measured;
            let measured = format!("{} {}", nanos(measured.median), range(measured));
            (word(verdict), measured, nanos(verdict.limit))
        }
    };
    let floor = verdict.floor.as_ref().filter(|_| !verdict.holds());
    let floor = floor.map(|(name, floor)| format!("; {name}: {}", nanos(floor.median)));
    format!("{word}: {} ≤ {limit}, is {measured}{}", verdict.ours, floor.unwrap_or_default())
}

fn word(verdict: &Verdict) -> String {
    match verdict.used() {
        used if used <= 1.0 => "holds".to_owned(),
        used if used < 2.0 => format!("falls short by {:.0} %", (used - 1.0) * 100.0),
        used => format!("falls short by {used:.1} ×"),
    }
}

fn tail(entry: &Entry) -> String {
    if entry.singles.is_empty() {
        return String::new();
    }
    let sorted = sorted(&entry.singles);
    format!("  99th percentile {} of {}", nanos(quantile(&sorted, 0.99)), sorted.len())
}

fn factor(ratio: &Estimate) -> String {
    let digits = if ratio.median < 0.1 { 3 } else { 2 };
    let Estimate { low, median, high } = ratio;
    format!("{median:.digits$} × [{low:.digits$} – {high:.digits$}]")
}

fn share(share: &Estimate) -> String {
    let Estimate { low, median, high } = share;
    format!("{:+.2} % [{:+.2} – {:+.2}]", median * 100.0, low * 100.0, high * 100.0)
}

fn range(of: &Estimate) -> String {
    format!("[{} – {}]", nanos(of.low), nanos(of.high))
}

fn nanos(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.2} ns"),
        ..1e6 => format!("{:.2} µs", nanos / 1e3),
        _ => format!("{:.2} ms", nanos / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortfall_is_a_share_and_then_a_multiple() {
        let verdict = |high| Verdict {
            race: "r",
            ours: "node0",
            against: Some("peer".to_owned()),
            limit: 0.5,
            is_share: false,
            measured: Estimate { low: 0.1, median: 0.2, high },
            floor: None,
        };
        assert_eq!(word(&verdict(0.5)), "holds");
        assert_eq!(word(&verdict(0.6)), "falls short by 20 %");
        assert_eq!(word(&verdict(1.5)), "falls short by 3.0 ×");
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!([0.55, 1500.0, 2.5e6].map(nanos), ["0.55 ns", "1.50 µs", "2.50 ms"]);
    }
}
