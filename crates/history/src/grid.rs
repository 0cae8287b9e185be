//! The points of an answer, and the tiers they are made of.

use std::ops::Range;
use std::time::Duration;

use crate::query::{MAX_POINTS, QueryError};
use crate::tier::{LONGEST, Plan, Planned, millis};

/// The most points of an answer if the query sets no step.
const USUAL_POINTS: u64 = 720;

/// The points of an answer: equally far apart, the last at the end of the range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) step: u64,
    /// The time of the first point.
    pub(crate) first: u64,
    pub(crate) points: usize,
    /// The coarsest tier whose intervals fit the steps.
    pub(crate) tier: usize,
}

impl Grid {
    /// Lays the points over a range that is not empty.
    pub(crate) fn new(
        plan: &Plan,
        (from, to): (u64, u64),
        step: Option<Duration>,
        is_buckets: bool,
    ) -> Result<Self, QueryError> {
        let step = match step {
            Some(step) if step.is_zero() => return Err(QueryError::ZeroStep),
            Some(step) => millis(step).clamp(1, LONGEST).next_multiple_of(plan.base()),
            None => usual_step(plan, to - from),
        };
        // Buckets are not taken from tiers that halved them, as long as a finer one has them.
        let fits =
            |tier: &Planned| step.is_multiple_of(tier.step) && !(is_buckets && tier.halvings > 0);
        let tier = plan.tiers.iter().rposition(fits).unwrap_or_default();
        // A step ends with an interval, so that none is cut.
        let last = to / plan.tiers[tier].step * plan.tiers[tier].step;
        let points = last.saturating_sub(from).div_ceil(step).max(1);
        if points > MAX_POINTS {
            let smallest = (to - from).div_ceil(MAX_POINTS).next_multiple_of(plan.base());
            let smallest_step = Duration::from_millis(smallest);
            return Err(QueryError::TooManyPoints { points, smallest_step });
        }
        Ok(Self {
            step,
            first: last.saturating_sub((points - 1) * step),
            points: points as usize,
            tier,
        })
    }

    /// The time of a point.
    pub(crate) fn time(&self, point: usize) -> u64 {
        self.first + point as u64 * self.step
    }

    /// The time of all points.
    pub(crate) fn range(&self) -> Range<u64> {
        self.first.saturating_sub(self.step)..self.time(self.points - 1)
    }

    /// Divides the time of the points among the tiers: what a finer tier does not reach back to is
    /// made of a coarser one. `starts` are the times since which each tier has the series.
    pub(crate) fn parts(&self, plan: &Plan, starts: &[u64]) -> Vec<(usize, Range<u64>)> {
        let mut parts = Vec::new();
        let Range { start: begin, mut end } = self.range();
        for tier in self.tier..starts.len() {
            let coarser = (tier + 1..starts.len()).find(|coarser| starts[*coarser] < starts[tier]);
            let from = coarser.map_or(begin, |coarser| {
                // A part begins where an interval of the coarser tier ends, so that no interval is
                // cut or counted twice. If those intervals are longer than a step, it begins with
                // a step, so that each point is made of one tier.
                let (unit, origin) = match plan.tiers[coarser].step {
                    interval if interval <= self.step => (interval, 0),
                    _ => (self.step, begin % self.step),
                };
                let from = starts[tier].saturating_sub(origin).next_multiple_of(unit) + origin;
                from.clamp(begin, end)
            });
            if from < end {
                parts.push((tier, from..end));
                end = from;
            }
        }
        parts.reverse();
        parts
    }

    /// Returns the intervals of a tier that lie in a time, the last one included.
    pub(crate) fn intervals(tier: &Planned, time: &Range<u64>) -> (u64, u64) {
        (time.start / tier.step + 1, time.end.div_ceil(tier.step))
    }

    /// Returns the points of a time, also those that are in it in part.
    pub(crate) fn points_in(&self, time: &Range<u64>) -> Range<usize> {
        self.point(time.start + 1)..self.point(time.end) + 1
    }

    /// The point whose step has a time.
    fn point(&self, time: u64) -> usize {
        time.saturating_sub(self.first).div_ceil(self.step) as usize
    }

    /// Returns the points that an interval belongs to: one, or all that a longer interval covers.
    pub(crate) fn points_of(&self, tier: &Planned, interval: u64) -> Range<usize> {
        let end = tier.end(interval);
        if tier.step <= self.step {
            return self.point(end)..self.point(end) + 1;
        }
        // The points after the interval's beginning, up to its end.
        self.point(end.saturating_sub(tier.step) + 1)..self.point(end + 1)
    }
}

/// The step of the finest tier that makes few points of a range, or a multiple of the coarsest.
fn usual_step(plan: &Plan, range: u64) -> u64 {
    let least = range.div_ceil(USUAL_POINTS).max(1);
    let coarsest = plan.tiers.last().map_or(1, |tier| tier.step);
    let fits = plan.tiers.iter().map(|tier| tier.step).find(|step| *step >= least);
    fits.unwrap_or_else(|| least.next_multiple_of(coarsest))
}
