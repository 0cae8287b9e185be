//! What can be said of a handful of noisy figures: the median and how sure it is.
//!
//! A shared machine disturbs some rounds and not others, so nothing here assumes a
//! distribution: an interval is a pair of the sorted figures themselves, chosen so that
//! the true median lies between them with 95 % confidence. A ratio is taken within each
//! round, where both sides saw the same disturbance, before its median is taken.

use serde::{Deserialize, Serialize};

/// A median with the ends of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// Estimates the median of what the figures were drawn from; there is at least one.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let sorted = sorted(figures);
        let outside = ranks_outside(sorted.len());
        Self {
            low: sorted[outside],
            median: quantile(&sorted, 0.5),
            high: sorted[sorted.len() - 1 - outside],
        }
    }

    /// Estimates the ratio of two sides that were measured in the same rounds.
    pub(crate) fn of_ratio(ours: &[f64], theirs: &[f64]) -> Self {
        let ratios: Vec<f64> =
            ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        Self::of(&ratios)
    }
}

/// The figures by rising size.
pub(crate) fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile of sorted figures, between two of them where it falls there.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor();
    let (lower, upper) = (sorted[below as usize], sorted[position.ceil() as usize]);
    lower + (upper - lower) * (position - below)
}

/// How many of `n` sorted figures lie outside the interval at each end.
///
/// Each figure is below the median by the toss of a coin, so the number below is
/// binomial; an end may leave out so many as are below with a chance of 2.5 % at most.
fn ranks_outside(n: usize) -> usize {
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
        // Ranks from the usual table of the sign test, counted from one.
        for (n, rank) in [(6, 1), (10, 2), (20, 6), (31, 10), (51, 19)] {
            assert_eq!(ranks_outside(n) + 1, rank, "of {n}");
        }
    }

    #[test]
    fn few_figures_give_their_whole_range() {
        let estimate = Estimate::of(&[3.0, 1.0, 2.0]);
        assert_eq!(estimate, Estimate { low: 1.0, median: 2.0, high: 3.0 });
    }

    #[test]
    fn ratio_is_taken_within_each_round() {
        // The second round was twice as slow for both, which the ratio does not see.
        let ratio = Estimate::of_ratio(&[1.0, 2.0, 1.0], &[4.0, 8.0, 4.0]);
        assert_eq!(ratio, Estimate { low: 0.25, median: 0.25, high: 0.25 });
    }

    #[test]
    fn quantile_falls_between_two_figures() {
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), 3.0);
    }
}
