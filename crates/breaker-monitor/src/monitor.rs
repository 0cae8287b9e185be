//! The handle by which a host watches its circuits.
//!
//! The registry owns another type, [`Watch`]. This handle owns the registry, in order to register
//! circuits. If the registry owned this handle, neither would ever be dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    Assessment, Counter, Event, FindingChange, InstanceError, InstanceName, Instances, Monitor,
    RegisterError, Registry, Sample, UnknownTarget, lock,
};

use crate::call::Outcome;
use crate::cells::CircuitCells;
use crate::circuit::Circuit;
use crate::descs::UNKNOWN_CIRCUITS;
use crate::judge;
use crate::metrics::CircuitMetrics;
use crate::reading::Reading;
use crate::state::State;
use crate::thresholds::Thresholds;
use crate::watch::{TOPIC, Watch};

/// The default kinds of failure, which fit tower layers and most callers.
pub const FAILURE_KINDS: [&str; 3] = ["error", "connect", "response"];

/// The most circuits of one monitor: each has up to eight series in a family, which has a thousand.
pub const MAX_CIRCUITS: usize = 125;
/// The most kinds of failure of one circuit, `_other` apart.
pub const MAX_FAILURE_KINDS: usize = 7;

/// Watches circuit breakers; clones share the circuits.
#[derive(Clone, Debug)]
pub struct BreakerMonitor {
    registry: Registry,
    watch: Watch,
    /// Counts records by names that no circuit has.
    unknown: Counter,
    /// The circuits that are kept for recording by name.
    kept: Arc<Mutex<BTreeMap<InstanceName, Circuit>>>,
}

impl BreakerMonitor {
    /// Registers the topic `circuit-breaker`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the topic has a monitor already: use a clone of that one.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let watch = Watch { circuits: Instances::with_limit("circuit", MAX_CIRCUITS) };
        let monitor = Self {
            registry: registry.clone(),
            watch: watch.clone(),
            unknown: registry.counter(&UNKNOWN_CIRCUITS, &[])?,
            kept: Arc::default(),
        };
        // After all that can fail for want of room: a topic cannot be registered again.
        registry.monitor(Arc::new(watch.clone()))?;
        monitor.on_finding(TOPIC.name, move |change| watch.count_crossing(change))?;
        Ok(monitor)
    }

    /// Watches a circuit whose failures are of the usual [`FAILURE_KINDS`].
    ///
    /// The circuit starts as closed. When the last clone of the handle is dropped, its series are
    /// removed and its name is free.
    ///
    /// # Errors
    /// [`InstanceError`] for a name that is taken or unusable, or for too many circuits.
    pub fn circuit(&self, name: &str, thresholds: Thresholds) -> Result<Circuit, InstanceError> {
        self.circuit_with_kinds(name, thresholds, FAILURE_KINDS)
    }

    /// Watches a circuit with kinds of failure of its own; all others count as `_other`.
    ///
    /// More kinds than [`MAX_FAILURE_KINDS`] do not compile:
    ///
    /// ```compile_fail
    /// # let monitor = node0_breaker_monitor::BreakerMonitor::register(&node0_metrics_core::Registry::new())?;
    /// let kinds = ["a", "b", "c", "d", "e", "f", "g", "h"];
    /// let circuit = monitor.circuit_with_kinds("payments", Default::default(), kinds)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Self::circuit`].
    pub fn circuit_with_kinds<const N: usize>(
        &self,
        name: &str,
        thresholds: Thresholds,
        kinds: [&'static str; N],
    ) -> Result<Circuit, InstanceError> {
        const { assert!(N <= MAX_FAILURE_KINDS, "a circuit has at most seven kinds of failure") };
        let make =
            |name: &InstanceName| CircuitCells::register(&self.registry, name, thresholds, &kinds);
        let circuits = &self.watch.circuits;
        circuits.enter(circuits.name(name)?, make).map(Circuit)
    }

    /// Watches a circuit that is recorded by name, until it is [removed](Self::remove_circuit).
    ///
    /// # Errors
    /// As for [`Self::circuit`].
    pub fn register_circuit(
        &self,
        name: &str,
        thresholds: Thresholds,
    ) -> Result<Circuit, InstanceError> {
        let circuit = self.circuit(name, thresholds)?;
        lock(&self.kept).insert(circuit.0.name().clone(), circuit.clone());
        Ok(circuit)
    }

    /// Drops a circuit that [`Self::register_circuit`] keeps; returns `false` if there is none.
    ///
    /// Its series are removed unless there are other handles to it.
    pub fn remove_circuit(&self, name: &str) -> bool {
        lock(&self.kept).remove(name).is_some()
    }

    /// Returns a handle to a circuit, for hot paths; `None` for an unknown name.
    pub fn get(&self, name: &str) -> Option<Circuit> {
        self.watch.circuits.handle(name).map(Circuit)
    }

    /// Records a call that succeeded, by the circuit's name.
    ///
    /// This and the other methods by name look the circuit up under a read lock; on hot paths use
    /// a [`Circuit`]. A call with an unknown name is only counted, in [`UNKNOWN_CIRCUITS`].
    pub fn record_success(&self, circuit: &str, took: Duration) {
        self.with(circuit, |cells| cells.record(took, Outcome::Success));
    }

    /// Records a call that failed, with the kind of failure; see [`Self::record_success`].
    pub fn record_failure(&self, circuit: &str, took: Duration, kind: &str) {
        self.with(circuit, |cells| cells.failure(took, kind));
    }

    /// Records a call that did not end in time; see [`Self::record_success`].
    pub fn record_timeout(&self, circuit: &str, took: Duration) {
        self.with(circuit, |cells| cells.record(took, Outcome::Timeout));
    }

    /// Records a call that the breaker rejected; see [`Self::record_success`].
    pub fn record_rejected(&self, circuit: &str) {
        self.with(circuit, |cells| cells.record(Duration::ZERO, Outcome::Rejected));
    }

    /// Records a change of state, as [`Circuit::state_changed`] does; see [`Self::record_success`].
    pub fn record_state_change(
        &self,
        circuit: &str,
        from: State,
        to: State,
        reason: impl Into<Cow<'static, str>>,
    ) {
        self.with(circuit, |cells| cells.states.change(Some(from), to, reason.into()));
    }

    fn with(&self, circuit: &str, record: impl FnOnce(&CircuitCells)) {
        match self.watch.circuits.get(circuit) {
            Some(cells) => record(&cells),
            None => self.unknown.inc(),
        }
    }

    /// Replaces the thresholds of a circuit, from the next judgement on.
    ///
    /// # Errors
    /// [`UnknownTarget`] for a name that no circuit has.
    pub fn set_thresholds(
        &self,
        circuit: &str,
        thresholds: Thresholds,
    ) -> Result<(), UnknownTarget> {
        *lock(&self.watch.circuits.find(circuit)?.thresholds) = thresholds;
        Ok(())
    }

    /// Calls a listener with each finding about a circuit that is raised or cleared.
    ///
    /// It is a [listener to events](Registry::listen) with a filter on this topic. It runs on a
    /// worker thread, failures are counted under its name, and it must own neither the registry
    /// nor this monitor nor a circuit.
    ///
    /// ```
    /// use node0_breaker_monitor::{BreakerMonitor, State, Thresholds};
    /// use node0_metrics_core::{FindingState, ManualClock, Registry};
    /// use std::sync::mpsc::channel;
    ///
    /// let registry = Registry::builder().clock(ManualClock::new().clock()).build();
    /// let monitor = BreakerMonitor::register(&registry)?;
    /// let (sender, changes) = channel();
    /// monitor.on_finding("pager", move |change| drop(sender.send(change.clone())))?;
    ///
    /// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
    /// circuit.set_state(State::Open, "failure threshold exceeded");
    /// registry.ticker()?.tick();
    /// let change = changes.try_recv()?;
    /// assert_eq!((change.state, change.finding.code), (FindingState::Raised, "circuit_open"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RegisterError::DuplicateGuest`] when another listener of the registry has the name.
    pub fn on_finding(
        &self,
        name: &'static str,
        mut listener: impl FnMut(&FindingChange) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.registry.listen(name, move |event| match event {
            Event::Finding(change) if change.topic.name == TOPIC.name => listener(change),
            _ => {}
        })
    }

    /// Returns the names of the circuits, sorted.
    pub fn circuits(&self) -> Vec<String> {
        self.watch.circuits.names()
    }

    /// The numbers of one circuit in a sample; `None` for an unknown name.
    pub fn metrics(&self, sample: &Sample, circuit: &str) -> Option<CircuitMetrics> {
        self.reading(sample, circuit).map(|circuit| circuit.metrics)
    }

    /// The judgement of one circuit in a sample; `None` for an unknown name.
    pub fn assess(&self, sample: &Sample, circuit: &str) -> Option<Assessment> {
        Some(judge::all(&[self.reading(sample, circuit)?]).assess())
    }

    /// The judgement of the worst circuit in a sample, with the findings of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        self.watch.judge(&sample.view()).assess()
    }

    fn reading(&self, sample: &Sample, circuit: &str) -> Option<Reading> {
        Some(Reading::of(self.watch.circuits.get(circuit)?, &sample.view()))
    }
}
