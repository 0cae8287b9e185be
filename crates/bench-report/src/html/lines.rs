//! Charts of lines: figures of contenders against a number, such as threads or series.
//!
//! The horizontal coordinates are percentages, so the chart takes the width that there is.
//! Each line has its name at its right end instead of a legend.

use std::fmt::Write as _;

use super::rows::step_of;
use super::text;
use crate::figures::{amount, round};
use crate::run::Unit;

/// The height of the plot, and the room for the numbers below it.
const HEIGHT: f64 = 260.0;
const BELOW: f64 = 24.0;
/// The distance from the edge of the plot to the first and the last figure.
const INSET: f64 = 10.0;
/// The least distance between two names.
const APART: f64 = 15.0;

/// A line of a chart.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// How an axis maps figures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// By their size, from zero.
    Linear,
    /// By their logarithm.
    Log,
}

/// A chart of lines.
pub(super) struct Chart<'a> {
    pub(super) lines: Vec<Line>,
    pub(super) across: Mapping,
    pub(super) up: Mapping,
    /// The numbers below the chart.
    pub(super) ticks: Vec<(f64, String)>,
    /// The unit of the figures.
    pub(super) unit: Unit,
    /// The meaning of both axes.
    pub(super) caption: &'a str,
}

/// An axis from a smallest to a largest figure.
struct Axis {
    mapping: Mapping,
    min: f64,
    max: f64,
}

impl Axis {
    fn of(mapping: Mapping, figures: impl Iterator<Item = f64> + Clone) -> Self {
        let (mut min, mut max) =
            (figures.clone().fold(f64::MAX, f64::min), figures.fold(f64::MIN, f64::max));
        if mapping == Mapping::Linear {
            min = min.min(0.0);
        }
        if max <= min {
            max = min + 1.0;
        }
        Self { mapping, min, max }
    }

    /// Returns the place of a figure, from zero to one.
    fn place(&self, figure: f64) -> f64 {
        match self.mapping {
            Mapping::Linear => (figure - self.min) / (self.max - self.min),
            Mapping::Log => (figure / self.min).ln() / (self.max / self.min).ln(),
        }
    }

    /// Returns round figures within the axis.
    fn ticks(&self, unit: Unit) -> Vec<f64> {
        if self.mapping == Mapping::Linear {
            let step = step_of(unit, (self.max - self.min) / 4.0);
            let count = (self.max / step).floor() as usize;
            return (0..=count).map(|tick| tick as f64 * step).collect();
        }
        let decades = (self.max / self.min).log10();
        let factors: &[f64] = if decades < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let first = self.min.log10().floor() as i32;
        let last = self.max.log10().ceil() as i32;
        let powers = (first..=last).map(|power| 10_f64.powi(power));
        let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        all.filter(|at| (self.min * 0.999..=self.max * 1.001).contains(at)).collect()
    }
}

impl Chart<'_> {
    /// Returns the chart, or nothing if no line has a figure.
    pub(super) fn draw(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        if points().next().is_none() {
            return String::new();
        }
        let across = Axis::of(self.across, points().map(|point| point.0));
        let up = Axis::of(self.up, points().map(|point| point.1));
        let total = HEIGHT + BELOW;
        let caption = text(self.caption);
        let mut out = format!(
            "<div class=\"lines\" role=\"img\" aria-label=\"{caption}\"><svg height=\"{total}\">"
        );
        for tick in up.ticks(self.unit) {
            let (y, name) = (height(&up, tick), text(&round(self.unit, tick)));
            let _ =
                write!(out, "<text class=\"axis\" x=\"88%\" y=\"{:.1}\">{name}</text>", y + 4.0);
        }
        out.push_str("</svg>");
        out.push_str(&self.plot(&across, &up));
        out.push_str(&self.names(&up));
        let _ = writeln!(out, "</div>\n<p class=\"caption\">{caption}</p>");
        out
    }

    fn plot(&self, across: &Axis, up: &Axis) -> String {
        let mut out = format!("<svg height=\"{}\">", HEIGHT + BELOW);
        for tick in up.ticks(self.unit) {
            let y = height(up, tick);
            let _ = write!(
                out,
                "<line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
        }
        for (tick, name) in &self.ticks {
            let (x, y, name) = (across.place(*tick) * 100.0, HEIGHT + 16.0, text(name));
            let anchor = match x {
                ..1.0 => "start",
                99.0.. => "end",
                _ => "middle",
            };
            let _ = write!(
                out,
                "<text x=\"{x:.2}%\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{name}</text>"
            );
        }
        // node0 is drawn last, over the others.
        for line in self.drawn() {
            let place = |(x, y): &(f64, f64)| (across.place(*x), height(up, *y));
            let path: Vec<String> = line
                .points
                .iter()
                .map(place)
                .map(|(x, y)| format!("{:.1},{y:.1}", x * 1000.0))
                .collect();
            let _ = write!(
                out,
                "<g class=\"series {}\"><title>{}</title><svg viewBox=\"0 0 1000 {HEIGHT}\" \
                 width=\"100%\" height=\"{HEIGHT}\" preserveAspectRatio=\"none\"><polyline \
                 class=\"path\" points=\"{}\"/></svg>",
                line.class,
                text(&self.tip(line)),
                path.join(" ")
            );
            // Many points are a course, which needs no marks.
            for (x, y) in line.points.iter().map(place).filter(|_| line.points.len() <= 12) {
                let x = x * 100.0;
                let _ =
                    write!(out, "<circle class=\"point\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"3\"/>");
            }
            out.push_str("</g>");
        }
        out.push_str("</svg>");
        out
    }

    fn drawn(&self) -> impl Iterator<Item = &Line> {
        let others = self.lines.iter().filter(|line| line.class != "node0");
        others.chain(self.lines.iter().filter(|line| line.class == "node0"))
    }

    fn tip(&self, line: &Line) -> String {
        let last = line.points.last().map(|point| amount(self.unit, point.1)).unwrap_or_default();
        format!("{}: {last} at the right end", line.name)
    }

    /// Returns the names at the right ends, moved apart where lines end close together.
    fn names(&self, up: &Axis) -> String {
        let mut ends: Vec<(f64, &Line)> = self
            .lines
            .iter()
            .filter_map(|line| line.points.last().map(|end| (height(up, end.1), line)))
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let places = apart(&ends.iter().map(|end| end.0).collect::<Vec<_>>());
        let mut out = format!("<svg height=\"{}\">", HEIGHT + BELOW);
        for ((_, line), y) in ends.iter().zip(places) {
            let _ = write!(
                out,
                "<g class=\"series {}\"><text x=\"8\" y=\"{:.1}\">{}</text></g>",
                line.class,
                y + 4.0,
                text(&line.name)
            );
        }
        out.push_str("</svg>");
        out
    }
}

fn height(up: &Axis, figure: f64) -> f64 {
    HEIGHT - INSET - up.place(figure) * (HEIGHT - 2.0 * INSET)
}

/// Moves ascending places apart, and back up where they would leave the chart.
fn apart(places: &[f64]) -> Vec<f64> {
    let mut moved = places.to_vec();
    for at in 1..moved.len() {
        moved[at] = moved[at].max(moved[at - 1] + APART);
    }
    let mut most = HEIGHT;
    for place in moved.iter_mut().rev() {
        *place = place.min(most);
        most = *place - APART;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_distance_and_stay_inside() {
        assert_eq!(apart(&[10.0, 12.0, 100.0]), [10.0, 25.0, 100.0]);
        assert_eq!(apart(&[250.0, 258.0, 259.0]), [230.0, 245.0, 260.0]);
    }

    #[test]
    fn logarithmic_axis_has_a_tick_at_each_power_of_ten() {
        let axis = Axis::of(Mapping::Log, [3.0, 4000.0].into_iter());
        assert_eq!(axis.ticks(Unit::Nanoseconds), [10.0, 100.0, 1000.0]);
        assert_eq!(axis.place(3.0), 0.0);
        assert_eq!(axis.place(4000.0), 1.0);
    }

    #[test]
    fn linear_axis_begins_at_zero() {
        let axis = Axis::of(Mapping::Linear, [20.0, 80.0].into_iter());
        assert_eq!(axis.ticks(Unit::Nanoseconds), [0.0, 20.0, 40.0, 60.0, 80.0]);
    }
}
