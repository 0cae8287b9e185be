//! Pauses of the whole process: a stop by a signal, a frozen container, a starved machine.
//!
//! A runtime that is blocked delays its own tasks only: polls come from the thread of the sampling
//! engine and go on. If neither a poll came nor a task was woken, no thread of the process ran. That
//! time is one pause and no lag: nothing in the program delayed its tasks.
//!
//! Polls witness a pause only while they come regularly, once a tick. Without an engine that ticks,
//! nobody polls, and every late wake-up is lag.

use std::sync::Mutex;
use std::time::Duration;

use node0_metrics_core::{Clock, Instrument, Late, Latency, RegisterError, Registry, lock};

use crate::descs::PAUSE;

/// The shortest pause that is told from a busy machine.
const SHORTEST: Duration = Duration::from_millis(500);
/// The number of polls in a row that must have been in time.
const REGULAR: u32 = 3;

/// The polls of a registry, and the pauses between them.
#[derive(Debug)]
pub(crate) struct Pulse {
    clock: Clock,
    /// A longer time between two polls is a gap.
    longest: Duration,
    beats: Mutex<Beats>,
    pub(crate) pauses: Late<Latency>,
}

/// Times are those of the clock's uptime.
#[derive(Debug, Default)]
struct Beats {
    last: Duration,
    /// The polls in a row that were in time.
    regular: u32,
    /// The last gap between two polls: its start and its end.
    gap: (Duration, Duration),
    /// The start of the gap that was recorded last, so that several runtimes record it once.
    recorded: Option<Duration>,
}

impl Pulse {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            clock: registry.clock().clone(),
            longest: registry.tick_length() + SHORTEST,
            beats: Mutex::default(),
            pauses: Late::register(registry, &PAUSE, &[])?,
        })
    }

    /// Notes a poll.
    pub(crate) fn beat(&self) {
        let beats = &mut *lock(&self.beats);
        let now = self.clock.uptime();
        if let Some(gap) = beats.running_gap(now, self.longest) {
            beats.gap = gap;
        }
        let is_late = now.saturating_sub(beats.last) > self.longest;
        beats.regular = if is_late { 0 } else { beats.regular.saturating_add(1) };
        beats.last = now;
    }

    /// Returns the time since `since` for which the whole process stood still.
    pub(crate) fn paused_since(&self, since: Duration) -> Duration {
        self.pause(&lock(&self.beats), since).map_or(Duration::ZERO, |(_, length)| length)
    }

    /// Returns the same as [`Self::paused_since`], and records the pause if nobody has.
    pub(crate) fn record_since(&self, since: Duration) -> Duration {
        let beats = &mut *lock(&self.beats);
        let Some((start, length)) = self.pause(beats, since) else { return Duration::ZERO };
        if beats.recorded != Some(start) {
            beats.recorded = Some(start);
            self.pauses.record(length);
        }
        length
    }

    /// Returns the start of the gap between polls that reaches beyond `since`, and the length of
    /// that part.
    fn pause(&self, beats: &Beats, since: Duration) -> Option<(Duration, Duration)> {
        let now = self.clock.uptime();
        let (start, end) = beats.running_gap(now, self.longest).unwrap_or(beats.gap);
        let length = end.saturating_sub(start.max(since));
        (length >= SHORTEST).then_some((start, length))
    }
}

impl Beats {
    /// Returns the time since the last poll, if that is a gap after regular polls.
    fn running_gap(&self, now: Duration, longest: Duration) -> Option<(Duration, Duration)> {
        let is_gap = self.regular >= REGULAR && now.saturating_sub(self.last) > longest;
        is_gap.then_some((self.last, now))
    }
}
