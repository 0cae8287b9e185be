//! Guards that time something from its start to its end, whatever the end is.

use std::time::Duration;

use crate::clock::Moment;
use crate::recording::latency::Latency;
use crate::sync::atomic::Ordering;

/// A measurement that has not ended.
///
/// Dropping it records too: the requests that clients gave up on are often the
/// slowest, and percentiles without them lie. [`Timer::discard`] forgets it.
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

    /// Records the duration the first time it is called, and returns zero later.
    fn finish(&mut self) -> Duration {
        let (Some(start), Some(context)) = (self.start.take(), self.latency.context()) else {
            return Duration::ZERO;
        };
        let nanos = context.clock.nanos_since(start);
        self.latency.record_nanos(nanos);
        Duration::from_nanos(nanos)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.finish();
    }
}
