//! An example of your own history: the percentiles of a latency over any part of its last hour.
//!
//! A window of node0 has the last thousand samples only. This example keeps the delta of each
//! tick for an hour, and adds the deltas up on request. The percentiles of the sum are those of
//! all samples of that time, within the error of one bucket. It depends on `metrics-core` alone.

use std::collections::VecDeque;
use std::time::Duration;

use node0_metrics_core::{Buckets, Delta, Latency, Layout, Sample, SeriesId, Value};

/// The time for which deltas are kept.
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
    /// The uptime of the registry at the end of the tick.
    end: Duration,
    delta: Delta,
}

impl LastHour {
    /// Creates an empty history of a latency; `None` if the handle is disabled.
    pub fn of(latency: &Latency) -> Option<Self> {
        let series = latency.series_id()?;
        Some(Self { series, tick: 0, ticks: VecDeque::new(), missed: 0 })
    }

    /// Adds the delta of a sample's last whole tick.
    ///
    /// A sample of a tick that was added before changes nothing. A fresh read between ticks is
    /// such a sample: it has the delta of the last whole tick again.
    pub fn observe(&mut self, sample: &Sample) {
        if sample.tick <= self.tick {
            return;
        }
        if self.tick > 0 {
            self.missed += sample.tick - self.tick - 1;
        }
        self.tick = sample.tick;
        let Some(Value::Histogram(histogram)) = sample.snapshot.by_id(self.series) else { return };
        // Ticks without records are left out, to save memory.
        if !histogram.delta().is_empty() {
            self.ticks.push_back(Tick { end: sample.uptime, delta: histogram.delta().clone() });
        }
        while self.ticks.front().is_some_and(|tick| tick.end + HOUR <= sample.uptime) {
            self.ticks.pop_front();
        }
    }

    /// Adds up the ticks that ended within `period` before `now`, an uptime of the registry.
    pub fn over(&self, period: Duration, now: Duration) -> Buckets {
        let mut merged = Buckets::new(Layout::Latency);
        let ticks = self.ticks.iter().rev().take_while(|tick| tick.end + period > now);
        ticks.for_each(|tick| merged.add_delta(&tick.delta));
        merged
    }

    /// Returns the number of ticks that were not observed, and so are missing in the history.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
