//! Computes the median of a few noisy figures and its confidence interval.
//!
//! A shared machine disturbs some rounds and not others, so nothing here assumes a
//! distribution: the ends of an interval are two of the sorted figures, chosen so that
//! the true median is between them with 95 % confidence. For a ratio, the ratio of each
//! round comes first, since both sides had the same disturbance, and then the median.

use serde::{Deserialize, Serialize};

/// A median with the ends of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The lower end.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// Estimates the median of the distribution of the figures, of which there is at least one.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let sorted = sorted(figures);
        let outside = ranks_outside(sorted.len());
        Self {
            low: sorted[outside],
            median: quantile(&sorted, 0.5),
            high: sorted[sorted.len() - 1 - outside],
        }
    }

    /// Estimates the ratio of two sides that were measured in the same rounds.
    #[must_use]
    pub fn of_ratio(ours: &[f64], theirs: &[f64]) -> Self {
        let ratios: Vec<f64> =
            ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        Self::of(&ratios)
    }

    /// Estimates the share by which our side takes longer than the other, in the same rounds.
    #[must_use]
    pub fn of_share(ours: &[f64], theirs: &[f64]) -> Self {
        let Self { low, median, high } = Self::of_ratio(ours, theirs);
        Self { low: low - 1.0, median: median - 1.0, high: high - 1.0 }
    }

    /// Returns the estimate with each of its figures changed.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        let Self { low, median, high } = self;
        Self { low: change(low), median: change(median), high: change(high) }
    }
}

/// Returns the figures in ascending order.
#[must_use]
pub fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns a quantile of sorted figures, interpolated between two of them.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor();
    let (lower, upper) = (sorted[below as usize], sorted[position.ceil() as usize]);
    lower + (upper - lower) * (position - below)
}

/// Returns the number of `n` sorted figures that are outside the interval at each end.
///
/// Each figure is below the true median with probability one half, so the number of
/// figures below it is binomial. Each end leaves out as many figures as possible while
/// the probability that the median is beyond that end is at most 2.5 %.
fn ranks_outside(n: usize) -> usize {
    // Beyond, the first probability is too small for a float, and the bell curve is exact enough.
    if n > 1000 {
        return ((n as f64 - 1.96 * (n as f64).sqrt()) / 2.0) as usize;
    }
    let mut chance = 0.5_f64.powi(n as i32);
    let mut below = 0.0;
    let mut outside = 0;
    for k in 0..n / 2 {
        below += chance;
        if below > 0.025 {
            break;
        }
        outside = k + 1;
        chance *= (n - k) as f64 / (k + 1) as f64;
    }
    outside.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_has_the_ranks_of_the_binomial_table() {
        // The ranks are from the usual table of the sign test, which counts from one.
        for (n, rank) in [(6, 1), (10, 2), (20, 6), (31, 10), (51, 19)] {
            assert_eq!(ranks_outside(n) + 1, rank, "of {n}");
        }
        // Both ways to compute them agree where one follows the other.
        assert!(ranks_outside(1000).abs_diff(ranks_outside(1001)) <= 1);
    }

    #[test]
    fn few_figures_give_their_whole_range() {
        let estimate = Estimate::of(&[3.0, 1.0, 2.0]);
        assert_eq!(estimate, Estimate { low: 1.0, median: 2.0, high: 3.0 });
    }

    #[test]
    fn ratio_is_taken_within_each_round() {
        // The second round was twice as slow for both sides, which does not change the ratio.
        let ratio = Estimate::of_ratio(&[1.0, 2.0, 1.0], &[4.0, 8.0, 4.0]);
        assert_eq!(ratio, Estimate { low: 0.25, median: 0.25, high: 0.25 });
    }

    #[test]
    fn quantile_falls_between_two_figures() {
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), 3.0);
    }
}
