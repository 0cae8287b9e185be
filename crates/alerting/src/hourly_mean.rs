//! The mean rate of a counter over the last hour, from counts by minute.
//!
//! It is kept here, and not asked of a history, so that alerts need no other reader. It costs a
//! kilobyte for each series, and only rules that compare with the mean have it.

use std::time::Duration;

use crate::measure::Increment;

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES: usize = 60;

/// The least time that a mean must cover: a shorter one says little about the usual traffic.
const MIN_COVERED: Duration = Duration::from_secs(600);

/// The counts of the last sixty minutes in which the counter was watched.
#[derive(Clone, Debug)]
pub(crate) struct HourlyMean {
    minutes: Box<[Minute; MINUTES]>,
    /// The minute that is being filled.
    current: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    count: u64,
    watched: Duration,
}

impl HourlyMean {
    pub(crate) fn new() -> Self {
        Self { minutes: Box::new([Minute::default(); MINUTES]), current: 0 }
    }

    /// Adds a tick, and returns the mean rate per second without it; `None` while it covers less
    /// than ten minutes.
    ///
    /// The tick is left out, so that a collapse is compared with the time before.
    pub(crate) fn add(&mut self, tick: Increment) -> Option<f64> {
        let mean = self.mean();
        let minute = &mut self.minutes[self.current];
        minute.count = minute.count.saturating_add(tick.count);
        minute.watched += tick.over;
        if minute.watched >= MINUTE {
            self.current = (self.current + 1) % MINUTES;
            self.minutes[self.current] = Minute::default();
        }
        mean
    }

    fn mean(&self) -> Option<f64> {
        let watched: Duration = self.minutes.iter().map(|minute| minute.watched).sum();
        let count: f64 = self.minutes.iter().map(|minute| minute.count as f64).sum();
        (watched >= MIN_COVERED).then(|| count / watched.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(ticks: impl IntoIterator<Item = u64>) -> Option<f64> {
        let mut mean = HourlyMean::new();
        for count in ticks {
            mean.add(Increment { count, over: SECOND });
        }
        mean.mean()
    }

    #[test]
    fn there_is_no_mean_before_ten_minutes() {
        assert_eq!(after([5; 599]), None);
        assert_eq!(after([5; 600]), Some(5.0));
    }

    #[test]
    fn the_mean_forgets_what_is_older_than_an_hour() {
        let quiet_after_busy = [[1000; 600].as_slice(), &[2; 3600]].concat();
        assert_eq!(after(quiet_after_busy), Some(2.0));
    }
}
