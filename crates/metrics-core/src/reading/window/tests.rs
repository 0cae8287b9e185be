use super::*;
use crate::reading::histogram::Histogram;
use crate::reading::timeline::Timeline;

const RULE: Rule = Rule { samples: 1000, max_age: Duration::from_secs(300) };
const SECOND: Duration = Duration::from_secs(1);

/// Ticks of a second, with the totals that a pass would keep.
struct Series {
    time: Timeline,
    now: Duration,
    total: Buckets,
    ticks: SeriesTicks,
}

impl Series {
    fn new() -> Self {
        Self {
            time: Timeline::starting(Duration::ZERO, RULE),
            now: Duration::ZERO,
            total: Buckets::latency(),
            ticks: SeriesTicks::new(Duration::ZERO, Layout::Latency),
        }
    }

    fn record(&mut self, seconds: f64, n: u64) {
        self.total.add(seconds, n);
        self.ticks.running_mut().add(seconds, n);
    }

    /// Ends the tick and returns what a sample shows then.
    fn tick(&mut self) -> Histogram {
        self.now += SECOND;
        let tick = self.time.advance(self.now);
        self.ticks.close(tick, RULE, self.total.sum());
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
