//! The state of a peak between passes.

use std::collections::VecDeque;
use std::time::Duration;

/// The time for which a peak is shown.
const PEAK_SPAN: Duration = Duration::from_secs(60);

/// The peaks of the last minute's ticks, without those that a later tick exceeded.
///
/// Example: of ticks with the peaks 3, 9, 4, 6 only 9 and 6 are kept, because the 3 and the 4
/// can never be the highest again. So the first is always the highest.
#[derive(Debug, Default)]
pub(super) struct PeakMemory {
    /// The end of each tick, with its peak.
    ticks: VecDeque<(Duration, u64)>,
}

impl PeakMemory {
    /// Ends a tick.
    pub(super) fn close(&mut self, peak: u64, end: Duration) {
        while self.ticks.back().is_some_and(|(_, lower)| *lower <= peak) {
            self.ticks.pop_back();
        }
        self.ticks.push_back((end, peak));
        while self.ticks.front().is_some_and(|(before, _)| *before + PEAK_SPAN < end) {
            self.ticks.pop_front();
        }
    }

    /// The highest peak of the whole ticks.
    pub(super) fn highest(&self) -> u64 {
        self.ticks.front().map_or(0, |(_, peak)| *peak)
    }
}
