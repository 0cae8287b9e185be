//! The state of a counter between passes.

use crate::reading::snapshot::Count;
use crate::reading::timeline::{RATE_TICKS, Timeline, slot};

/// The counts of a counter's last whole ticks.
///
/// It is small, since a scrape reads it for every series; only ticks dereference the box.
#[derive(Debug)]
pub(super) struct CounterMemory {
    /// The slot of the counter's cells in the lanes.
    pub(super) slot: u32,
    /// The number of ticks that the series has seen, at most [`RATE_TICKS`].
    seen: u8,
    /// The count of the last [`RATE_TICKS`] ticks.
    recent: u64,
    /// The count of the last tick.
    delta: u64,
    /// The totals at the ends of the last ticks, indexed by [`slot`].
    at_end: Box<[u64; RATE_TICKS + 1]>,
}

impl CounterMemory {
    /// Creates the memory of a series that starts at this total; zero for a new one.
    pub(super) fn new(slot: u32, resumed: u64) -> Self {
        let at_end = Box::new([resumed; RATE_TICKS + 1]);
        Self { slot, seen: 0, recent: 0, delta: 0, at_end }
    }

    /// Ends the tick with this number.
    pub(super) fn close(&mut self, total: u64, number: u64) {
        self.seen = (self.seen + 1).min(RATE_TICKS as u8);
        self.at_end[slot(number)] = total;
        let since = |ticks: u64| total.wrapping_sub(self.at_end[slot(number - ticks)]);
        // Example: at the end of tick 42, a counter that was registered in tick 40 has the
        // ticks 40 to 42 as recent.
        (self.recent, self.delta) = (since(self.seen.into()), since(1));
    }

    pub(super) fn count(&self, total: u64, time: &Timeline) -> Count {
        let span = time.span_of_last(self.seen.into());
        Count { total, delta: self.delta, recent: self.recent, span }
    }
}
