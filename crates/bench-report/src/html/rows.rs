//! Charts of rows: a bar or an interval for each contender, below each other on one scale.
//!
//! Each row is an SVG element of its own whose coordinates are percentages, between a label
//! and a value in HTML. So the chart takes the width that there is, on a phone as on a large
//! screen, without a script and without text that shrinks.

use std::fmt::Write as _;

use super::text;
use crate::figures::round;
use crate::run::Unit;
use crate::stats::Estimate;

/// The height of a row.
const HEIGHT: u32 = 22;

/// A scale from a smallest to a largest figure.
pub(super) struct Scale {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) ticks: Vec<(f64, String)>,
    /// A figure with a line of its own, and its name.
    pub(super) limit: Option<(f64, String)>,
}

/// What a row draws.
pub(super) enum Mark {
    /// A bar from zero to the median, for costs.
    Bar(Estimate),
    /// The median and its interval, for shares that may be negative.
    Interval(Estimate),
    /// Nothing; the row is a heading.
    None,
}

/// A row of a chart.
pub(super) struct Row {
    pub(super) class: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    /// The text that appears over the mark.
    pub(super) tip: String,
    pub(super) mark: Mark,
}

impl Scale {
    /// Returns the place of a figure in percent of the width.
    fn place(&self, figure: f64) -> f64 {
        ((figure - self.min) / (self.max - self.min) * 100.0).clamp(0.0, 100.0)
    }
}

/// Returns a scale from zero to at least a figure, with three to five round ticks.
pub(super) fn from_zero(unit: Unit, most: f64) -> Scale {
    let step = step_of(unit, most / 3.0);
    let name = |at| round(unit, at);
    let max = (most / step).ceil().max(1.0) * step;
    let count = (max / step).round() as usize;
    let ticks = (0..=count).map(|tick| tick as f64 * step).map(|at| (at, name(at))).collect();
    Scale { min: 0.0, max, ticks, limit: None }
}

/// Returns a round amount near a figure: bytes are round in the powers of 1024.
pub(super) fn step_of(unit: Unit, about: f64) -> f64 {
    let base = match unit {
        Unit::Nanoseconds => 1.0,
        Unit::Bytes => 1024_f64.powf((about.max(1.0).ln() / 1024_f64.ln()).floor()),
    };
    round_step(about / base) * base
}

/// Returns the round number nearest above: 1, 2 or 5 times a power of ten.
pub(super) fn round_step(about: f64) -> f64 {
    if about <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(about.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= about * 0.999).unwrap_or(10.0 * power)
}

/// Returns a chart of rows with its axis below.
pub(super) fn chart(scale: &Scale, rows: &[Row]) -> String {
    let mut out = String::from("<div class=\"rows\">\n");
    for row in rows {
        if matches!(row.mark, Mark::None) {
            let _ = writeln!(out, "<div class=\"heading\">{}</div>", text(&row.label));
            continue;
        }
        let _ = writeln!(
            out,
            "<div class=\"row {}\" title=\"{}\"><span class=\"label\">{}</span>{}<span \
             class=\"value\">{}</span></div>",
            row.class,
            text(&row.tip),
            text(&row.label),
            drawing(scale, row),
            text(&row.value),
        );
    }
    let _ = writeln!(
        out,
        "<div class=\"row axis\"><span></span>{}<span></span></div>\n</div>",
        axis(scale)
    );
    out
}

fn drawing(scale: &Scale, row: &Row) -> String {
    let mut out =
        format!("<svg height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">", text(&row.tip));
    for (at, _) in &scale.ticks {
        let class = if *at == 0.0 { "zero" } else { "tick" };
        let _ = write!(out, "{}", upright(class, scale.place(*at), HEIGHT));
    }
    if let Some((at, _)) = &scale.limit {
        out.push_str(&upright("limit", scale.place(*at), HEIGHT));
    }
    match &row.mark {
        Mark::Bar(cost) => {
            // The smallest figure is still a mark.
            let width = scale.place(cost.median).max(0.6);
            let _ = write!(
                out,
                "<rect class=\"bar\" x=\"0\" y=\"5\" width=\"{width:.2}%\" height=\"12\" rx=\"2\"/>"
            );
        }
        Mark::Interval(share) if share.median > scale.max => {
            out.push_str(
                "<text class=\"beyond\" x=\"100%\" y=\"15\" text-anchor=\"end\">beyond this \
                 scale →</text>",
            );
        }
        Mark::Interval(share) => {
            let [low, median, high] =
                [share.low, share.median, share.high].map(|at| scale.place(at));
            let _ = write!(
                out,
                "<line class=\"span\" x1=\"{low:.2}%\" x2=\"{high:.2}%\" y1=\"11\" y2=\"11\"/>\
                 <circle class=\"dot\" cx=\"{median:.2}%\" cy=\"11\" r=\"4.5\"/>"
            );
        }
        Mark::None => {}
    }
    out.push_str("</svg>");
    out
}

fn upright(class: &str, at: f64, height: u32) -> String {
    format!("<line class=\"{class}\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"0\" y2=\"{height}\"/>")
}

fn axis(scale: &Scale) -> String {
    let height = if scale.limit.is_some() { 34 } else { 20 };
    let mut out = format!("<svg height=\"{height}\" aria-hidden=\"true\">");
    for (number, (at, name)) in scale.ticks.iter().enumerate() {
        let place = scale.place(*at);
        // A narrow screen has room for every other name.
        let class = if number % 2 == 0 { "major" } else { "minor" };
        let anchor = match place {
            ..1.0 => "start",
            99.0.. => "end",
            _ => "middle",
        };
        let name = text(name);
        let _ = write!(
            out,
            "<text class=\"{class}\" x=\"{place:.2}%\" y=\"15\" text-anchor=\"{anchor}\">{name}</text>"
        );
    }
    if let Some((at, name)) = &scale.limit {
        let (place, name) = (scale.place(*at), text(name));
        let _ = write!(
            out,
            "<text class=\"limit-name\" x=\"{place:.2}%\" y=\"31\" \
             text-anchor=\"middle\">{name}</text>"
        );
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_ends_at_a_round_number_above_the_largest_figure() {
        let ends = [5.8, 18.7, 223.0, 0.9].map(|most| from_zero(Unit::Nanoseconds, most).max);
        assert_eq!(ends, [6.0, 20.0, 300.0, 1.0]);
        let ticks = from_zero(Unit::Bytes, 40.0 * 1024.0).ticks;
        let names: Vec<_> = ticks.into_iter().map(|tick| tick.1).collect();
        assert_eq!(names, ["0 B", "20 KiB", "40 KiB"]);
    }

    #[test]
    fn bar_is_as_long_as_its_share_of_the_scale() {
        let scale = from_zero(Unit::Nanoseconds, 4.0);
        let one = Estimate { low: 1.0, median: 1.0, high: 1.0 };
        let row = Row {
            class: "node0",
            label: "a < b".to_owned(),
            value: String::new(),
            tip: String::new(),
            mark: Mark::Bar(one),
        };
        let chart = chart(&scale, &[row]);
        assert!(chart.contains("width=\"25.00%\""), "{chart}");
        assert!(chart.contains("a &lt; b"), "{chart}");
    }
}
