//! The handles of one circuit, and what a call records into them.

use std::sync::atomic::AtomicUsize;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics_core::{Counter, Gauge, Latency, OTHER, Peak, RegisterError, Registry};

use crate::alert::Limit;
use crate::descs::{
    CALL_DURATION, CALLS, CONSECUTIVE_FAILURES, CONSECUTIVE_FAILURES_PEAK, FAILURES,
    THRESHOLD_CROSSINGS,
};
use crate::states::StateCells;
use crate::thresholds::Thresholds;

/// Everything that is recorded of one circuit.
pub(crate) struct CircuitCells {
    pub(crate) name: Box<str>,
    /// For the clock and the switch of guards. The registry holds its circuits weakly, so this is no circle.
    pub(crate) registry: Registry,
    /// How many [`Circuit`](crate::Circuit)s there are: readers hold the cells too, and must not
    /// keep the name taken.
    pub(crate) handles: AtomicUsize,
    pub(crate) calls: Calls,
    pub(crate) kinds: Kinds,
    pub(crate) duration: Latency,
    pub(crate) consecutive: Gauge,
    pub(crate) consecutive_peak: Peak,
    pub(crate) crossings: [Counter; 3],
    pub(crate) states: StateCells,
    thresholds: RwLock<Thresholds>,
}

/// Ended calls by outcome.
pub(crate) struct Calls {
    pub(crate) success: Counter,
    pub(crate) failure: Counter,
    pub(crate) timeout: Counter,
    pub(crate) rejected: Counter,
    pub(crate) cancelled: Counter,
}

/// Failed calls by kind.
pub(crate) struct Kinds {
    pub(crate) known: Box<[(&'static str, Counter)]>,
    pub(crate) other: Counter,
}

impl CircuitCells {
    /// Cells with one handle.
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        thresholds: Thresholds,
        kinds: &[&'static str],
    ) -> Result<Self, RegisterError> {
        let crossing =
            |limit: Limit| registry.counter(&THRESHOLD_CROSSINGS, &[name, limit.label()]);
        let [rate, run, latency] = Limit::ALL;
        let cells = Self {
            name: name.into(),
            registry: registry.clone(),
            handles: AtomicUsize::new(1),
            calls: Calls::register(registry, name)?,
            kinds: Kinds::register(registry, name, kinds)?,
            duration: registry.latency(&CALL_DURATION, &[name])?,
            consecutive: registry.gauge(&CONSECUTIVE_FAILURES, &[name])?,
            consecutive_peak: registry.peak(&CONSECUTIVE_FAILURES_PEAK, &[name])?,
            crossings: [crossing(rate)?, crossing(run)?, crossing(latency)?],
            states: StateCells::register(registry, name)?,
            thresholds: RwLock::new(thresholds),
        };
        // The series of a circuit that was dropped in this tick may still be there.
        cells.consecutive.set(0.0);
        Ok(cells)
    }

    #[inline]
    pub(crate) fn success(&self, took: Duration) {
        self.calls.success.inc();
        self.duration.record(took);
        // Hardly ever: a cell that is only read is not fought over.
        if self.consecutive.value() != 0.0 {
            self.consecutive.set(0.0);
        }
    }

    pub(crate) fn failure(&self, took: Duration, kind: &str) {
        self.calls.failure.inc();
        self.kinds.count(kind);
        self.duration.record(took);
        self.lengthen_run();
    }

    pub(crate) fn timeout(&self, took: Duration) {
        self.calls.timeout.inc();
        self.duration.record(took);
        self.lengthen_run();
    }

    pub(crate) fn cancelled(&self, took: Duration) {
        self.calls.cancelled.inc();
        self.duration.record(took);
    }

    /// Counts in the gauge itself, so that no failure is lost among threads.
    fn lengthen_run(&self) {
        self.consecutive.add(1.0);
        // A success may have ended the run since: then the failure before has recorded it but for this one.
        self.consecutive_peak.record(self.consecutive.value() as u64);
    }

    /// Copies what only a poll can know.
    pub(crate) fn observe(&self) {
        self.states.observe();
        // A peak ages; a run that goes on does not.
        self.consecutive_peak.record(self.consecutive.value() as u64);
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        *self.thresholds.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_thresholds(&self, thresholds: Thresholds) {
        *self.thresholds.write().unwrap_or_else(PoisonError::into_inner) = thresholds;
    }
}

impl Calls {
    fn register(registry: &Registry, circuit: &str) -> Result<Self, RegisterError> {
        let outcome = |outcome| registry.counter(&CALLS, &[circuit, outcome]);
        Ok(Self {
            success: outcome("success")?,
            failure: outcome("failure")?,
            timeout: outcome("timeout")?,
            rejected: outcome("rejected")?,
            cancelled: outcome("cancelled")?,
        })
    }
}

impl Kinds {
    fn register(
        registry: &Registry,
        circuit: &str,
        kinds: &[&'static str],
    ) -> Result<Self, RegisterError> {
        let counter = |kind: &str| registry.counter(&FAILURES, &[circuit, kind]);
        let known = kinds.iter().map(|kind| counter(kind).map(|counter| (*kind, counter)));
        Ok(Self { known: known.collect::<Result<_, _>>()?, other: counter(OTHER)? })
    }

    fn count(&self, kind: &str) {
        let known = self.known.iter().find(|(known, _)| *known == kind);
        known.map_or(&self.other, |(_, counter)| counter).inc();
    }
}
