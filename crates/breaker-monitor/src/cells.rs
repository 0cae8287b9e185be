//! The series of one circuit, and the records for each end of a call.

use std::sync::Mutex;
use std::time::Duration;

use node0_metrics_core::{
    ByLabel, Counter, Gauge, Instance, Latency, OTHER, Peak, RegisterError, Registry, instruments,
    label_set,
};

use crate::call::Outcome;
use crate::descs;
use crate::state::StateCells;
use crate::thresholds::{Threshold, Thresholds};

label_set! {
    /// The outcomes of calls, each of which has a counter.
    pub(crate) enum End {
        Success = "success",
        Failure = "failure",
        Timeout = "timeout",
        Rejected = "rejected",
        Cancelled = "cancelled",
    }
}

instruments! {
    /// The series that every circuit has, except those of its state.
    pub(crate) struct CircuitSeries, read as CircuitNumbers {
        pub(crate) calls: ByLabel<End, Counter> = descs::CALLS,
        pub(crate) duration: Latency = descs::CALL_DURATION,
        pub(crate) consecutive: Gauge = descs::CONSECUTIVE_FAILURES,
        pub(crate) consecutive_peak: Peak = descs::CONSECUTIVE_FAILURES_PEAK,
        pub(crate) crossings: ByLabel<Threshold, Counter> = descs::THRESHOLD_CROSSINGS,
    }
}

/// Everything that is recorded of one circuit.
pub(crate) struct CircuitCells {
    /// The registry, for the clock of guards and the switch of measuring.
    pub(crate) registry: Registry,
    pub(crate) series: CircuitSeries,
    pub(crate) states: StateCells,
    /// Failed calls by kind; the last kind is `_other`, for all that the circuit does not have.
    pub(crate) kinds: Box<[(&'static str, Counter)]>,
    pub(crate) thresholds: Mutex<Thresholds>,
}

impl Instance for CircuitCells {}

impl CircuitCells {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        thresholds: Thresholds,
        kinds: &[&'static str],
    ) -> Result<Self, RegisterError> {
        let kinds = kinds.iter().copied().chain([OTHER]);
        let failures =
            |kind| registry.counter(&descs::FAILURES, &[name, kind]).map(|counter| (kind, counter));
        let cells = Self {
            registry: registry.clone(),
            series: CircuitSeries::register(registry, &[name])?,
            states: StateCells::register(registry, name)?,
            kinds: kinds.map(failures).collect::<Result<_, _>>()?,
            thresholds: Mutex::new(thresholds),
        };
        // A circuit of this name that was dropped in this tick may have left its series.
        cells.series.consecutive.set(0.0);
        Ok(cells)
    }

    #[inline]
    pub(crate) fn record(&self, took: Duration, outcome: Outcome) {
        match outcome {
            Outcome::Success => {
                self.timed(End::Success, took);
                // Read before writing: if each success wrote the cell, threads would contend for its
                // cache line.
                if self.series.consecutive.value() != 0.0 {
                    self.series.consecutive.set(0.0);
                }
            }
            Outcome::Failure(kind) => self.failure(took, kind),
            Outcome::Timeout => {
                self.timed(End::Timeout, took);
                self.lengthen_run();
            }
            Outcome::Cancelled => self.timed(End::Cancelled, took),
            // Not timed, since the service was not called.
            Outcome::Rejected => self.series.calls[End::Rejected].inc(),
        }
    }

    pub(crate) fn failure(&self, took: Duration, kind: &str) {
        self.timed(End::Failure, took);
        self.lengthen_run();
        let known = self.kinds.iter().find(|(known, _)| *known == kind);
        if let Some((_, counter)) = known.or(self.kinds.last()) {
            counter.inc();
        }
    }

    #[inline]
    fn timed(&self, end: End, took: Duration) {
        self.series.calls[end].inc();
        self.series.duration.record(took);
    }

    fn lengthen_run(&self) {
        // An atomic add, so no failure is lost when several threads fail at once.
        self.series.consecutive.add(1.0);
        self.record_run();
    }

    /// Updates the series that change without records: the time in a state, and the peak of failures.
    pub(crate) fn poll(&self) {
        self.states.poll();
        // A peak of more than a minute ago is dropped, unless the run that made it goes on.
        self.record_run();
    }

    fn record_run(&self) {
        self.series.consecutive_peak.record(self.series.consecutive.value() as u64);
    }
}
