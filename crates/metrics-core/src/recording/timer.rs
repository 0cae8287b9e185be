//! Timers: guards that record the time from their start to their end, including a drop.

use std::time::Duration;

use crate::clock::Moment;
use crate::recording::latency::Latency;
use crate::sync::atomic::Ordering;

/// A measurement that has not ended.
///
/// Dropping it records too: cancelled requests are often the slowest, and
/// percentiles without them would be too low. [`Timer::discard`] records nothing.
///
/// The trace that is current when it ends becomes an exemplar, if the registry is told of traces
/// by [`RegistryBuilder::traces`](crate::RegistryBuilder::traces).
#[derive(Debug)]
#[must_use = "dropping the timer ends the measurement"]
pub struct Timer {
    latency: Latency,
    start: Option<Moment>,
}

impl Timer {
    /// Starts timing, unless guards are switched off.
    #[inline]
    pub(crate) fn start(latency: Latency) -> Self {
        let running = latency.context().filter(|context| context.enabled.load(Ordering::Relaxed));
        let start = running.map(|context| context.clock.now());
        Self { latency, start }
    }

    /// Ends the measurement, records it and returns it; zero while measuring is switched off.
    pub fn stop(mut self) -> Duration {
        self.finish()
    }

    /// Ends the measurement without recording it.
    pub fn discard(mut self) {
        self.start = None;
    }

    /// Records the duration at the first call, and returns zero at later ones.
    fn finish(&mut self) -> Duration {
        let (Some(start), Some(context)) = (self.start.take(), self.latency.context()) else {
            return Duration::ZERO;
        };
        let nanos = context.clock.nanos_since(start);
        if let Some(current) = &context.traces {
            self.latency.offer_current(nanos, current);
        }
        self.latency.record_nanos(nanos);
        Duration::from_nanos(nanos)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.finish();
    }
}
