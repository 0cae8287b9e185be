//! A past of one's own: the percentiles of a latency over any part of its last hour.
//!
//! A window of node0 is the last thousand samples. This keeps the delta of each tick for an
//! hour and merges them, which loses nothing: the percentiles of a merged hour are those of
//! all its samples, off by the error of one bucket. It depends on `metrics-core` alone.

use std::collections::VecDeque;
use std::time::Duration;

use metrics_core::{Buckets, Delta, Latency, Layout, Sample, SeriesId, Value};

/// The time that is kept.
pub const HOUR: Duration = Duration::from_secs(3600);

/// The last hour of one latency, tick by tick.
#[derive(Debug)]
pub struct LastHour {
    series: SeriesId,
    /// The number of the last tick that was observed.
    tick: u64,
    /// The ticks with samples, the oldest first.
    ticks: VecDeque<Tick>,
    missed: u64,
}

#[derive(Debug)]
struct Tick {
    /// The uptime at its end.
    end: Duration,
    delta: Delta,
}

impl LastHour {
    /// Creates an empty past of a latency; `None` if the handle is disabled.
    pub fn of(latency: &Latency) -> Option<Self> {
        let series = latency.series_id()?;
        Some(Self { series, tick: 0, ticks: VecDeque::new(), missed: 0 })
    }

    /// Takes in the tick of a sample.
    ///
    /// A sample whose tick was taken in already, such as a fresh read between ticks, changes
    /// nothing: it has the same delta.
    pub fn observe(&mut self, sample: &Sample) {
        if sample.tick <= self.tick {
            return;
        }
        if self.tick > 0 {
            self.missed += sample.tick - self.tick - 1;
        }
        self.tick = sample.tick;
        let Some(Value::Histogram(histogram)) = sample.snapshot.by_id(self.series) else { return };
        // An idle tick takes no room.
        if !histogram.delta().is_empty() {
            self.ticks.push_back(Tick { end: sample.uptime, delta: histogram.delta().clone() });
        }
        while self.ticks.front().is_some_and(|tick| tick.end + HOUR <= sample.uptime) {
            self.ticks.pop_front();
        }
    }

    /// Merges the ticks that ended in the last stretch of time before `now`, an uptime.
    pub fn over(&self, stretch: Duration, now: Duration) -> Buckets {
        let mut merged = Buckets::new(Layout::Latency);
        let ticks = self.ticks.iter().rev().take_while(|tick| tick.end + stretch > now);
        ticks.for_each(|tick| merged.add_delta(&tick.delta));
        merged
    }

    /// The number of ticks that were never observed, whose samples are not in the past.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
