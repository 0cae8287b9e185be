use proptest::prelude::*;

use super::*;
use crate::reading::histogram::Histogram;
use crate::reading::timeline::Timeline;
use crate::recording::latency::LineCounts;
use crate::recording::layout::{LATENCY_BUCKETS, PER_LINE};

const RULE: Rule = Rule { samples: 1000, max_age: Duration::from_secs(300) };
const SECOND: Duration = Duration::from_secs(1);

/// Ticks of a second, with the totals that a pass would keep.
struct Series {
    time: Timeline,
    now: Duration,
    total: Buckets,
    cells: [u64; LATENCY_BUCKETS],
    known: KnownCounts,
    ticks: SeriesTicks,
    /// `true` if the memory is beyond its budget.
    thins: bool,
}

impl Series {
    fn new() -> Self {
        Self {
            time: Timeline::starting(Duration::ZERO, RULE),
            now: Duration::ZERO,
            total: Buckets::latency(),
            cells: [0; LATENCY_BUCKETS],
            known: KnownCounts::default(),
            thins: false,
            ticks: SeriesTicks::new(Duration::ZERO, Layout::Latency),
        }
    }

    fn record(&mut self, seconds: f64, n: u64) {
        self.total.add(seconds, n);
        self.cells[usize::from(Layout::Latency.bucket_of(seconds))] += n;
        self.ticks.running_mut().add(seconds, n);
    }

    /// Ends the tick and returns what a sample shows then.
    fn tick(&mut self) -> Histogram {
        self.now += SECOND;
        let tick = self.time.advance(self.now);
        let mut delta = Delta::new(Layout::Latency);
        let mut raise = self.known.raise(&mut delta);
        for (line, counts) in self.cells.as_chunks::<PER_LINE>().0.iter().enumerate() {
            raise.line(line, LineCounts::Exact(counts));
        }
        let (thins, mut window) = (self.thins, Buckets::latency());
        let mut closing = Closing { tick, rule: RULE, thins, window: &mut window };
        self.ticks.close(Some(&self.known), &mut closing);
        let mut published = self.ticks.unfilled();
        self.ticks.fill(&mut published, self.time.at(self.now));
        (published.count, published.sum) = (self.total.count(), self.total.sum());
        Histogram::new(Arc::new(published), self.time.ended, SECOND)
    }
}

/// A record's bucket may be read in one tick and its part of the sum in the next.
#[test]
fn a_sum_without_a_count_is_in_the_next_delta() {
    let mut series = Series::new();
    series.record(0.5, 1);
    series.total.set_sum(0.0);
    series.ticks.running_mut().set_sum(0.0);
    let first = series.tick();
    assert_eq!((first.delta().count(), first.delta().sum()), (1, 0.0));
    series.total.set_sum(0.5);
    series.ticks.running_mut().set_sum(0.5);
    let second = series.tick();
    assert_eq!((second.delta().count(), second.delta().sum()), (0, 0.5));
    assert!(!second.delta().is_empty());
    assert_eq!((second.window().samples(), second.window().buckets().sum()), (1, 0.5));
    assert!(series.tick().delta().is_empty());
}

#[test]
fn sums_on_demand_stay_right_when_the_base_is_renewed() {
    let mut series = Series::new();
    for tick in 1..=4 * MOST_CHANGES as u64 {
        series.record(0.001 * tick as f64, 300);
        let seen = series.tick();
        assert_eq!(seen.delta().count(), 300);
        assert_eq!(seen.total(), &series.total);
        let window = 300 * tick.min(4);
        assert_eq!((seen.window().samples(), seen.window().buckets().count()), (window, window));
    }
}

proptest! {
    /// Values are recorded tick by tick, some of them while the memory is beyond its budget.
    #[test]
    fn a_thinned_window_has_whole_ticks_and_right_counts_sums_and_percentiles(
        ticks in prop::collection::vec((prop::collection::vec(1e-6..100.0, 0..120), any::<bool>()), 1..80),
        stretches in 1..9_usize,
    ) {
        let mut series = Series::new();
        for (at, (values, thins)) in ticks.iter().enumerate() {
            // In stretches, so that windows become thin and recover.
            series.thins = *thins && at / stretches % 2 == 0;
            values.iter().for_each(|value| series.record(*value, 1));
            let seen = series.tick();
            prop_assert_eq!(seen.total().count(), series.total.count());
            prop_assert_eq!(seen.total(), &series.total);
            prop_assert_eq!(seen.delta().count(), values.len() as u64);

            let window = seen.window();
            prop_assert_eq!(window.buckets().count(), window.samples());
            let recent = ticks[..=at].iter().rev().flat_map(|(values, _)| values.iter().rev());
            let mut shown: Vec<f64> = recent.copied().take(window.samples() as usize).collect();
            // Ticks that were merged leave together, but never so many that too few are left.
            prop_assert!(shown.len() as u64 >= series.total.count().min(RULE.samples));
            let sum: f64 = shown.iter().sum();
            prop_assert!((window.buckets().sum() - sum).abs() <= 1e-9 * sum.max(1.0));
            shown.sort_by(f64::total_cmp);
            for q in [0.0, 0.5, 0.95, 0.99, 1.0] {
                let Some(exact) = shown.get(((q * shown.len() as f64).ceil() as usize).max(1) - 1)
                else { continue };
                let error = (window.buckets().quantile(q).unwrap_or(f64::NAN) - exact).abs();
                let relative = if window.is_thinned() { Layout::THINNED_ERROR } else { Layout::RELATIVE_ERROR };
                prop_assert!(error <= exact * relative + 8.1e-9, "{} of {}", error, exact);
            }
        }
    }
}
