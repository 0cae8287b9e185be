//! The handle by which a host watches its circuits.
//!
//! What the registry holds is another type, [`Watch`]: whoever registers circuits
//! needs the registry, and in one type that would be a circle in which nothing
//! is ever dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics_core::{Assessment, RegisterError, Registry, Sample, UnknownTarget, broken_name_rule};

use crate::alert::{Alert, Alerts};
use crate::assess;
use crate::cells::CircuitCells;
use crate::circuit::Circuit;
use crate::descs::{LISTENER_PANICS, UNKNOWN_CIRCUITS};
use crate::metrics::CircuitMetrics;
use crate::state::State;
use crate::thresholds::Thresholds;
use crate::watch::Watch;

/// The kinds of failure of a circuit that names none: what tower layers and most callers need.
pub const FAILURE_KINDS: &[&str] = &["error", "connect", "response"];

/// The most circuits of one monitor; each has six transitions, and a family a thousand series.
pub const MAX_CIRCUITS: usize = 125;
/// The most kinds of failure of one circuit, `_other` apart.
pub const MAX_FAILURE_KINDS: usize = 7;

/// Watches circuit breakers; clones share the circuits.
#[derive(Clone, Debug)]
pub struct BreakerMonitor {
    registry: Registry,
    watch: Arc<Watch>,
    /// Circuits that are recorded by name only.
    kept: Arc<Mutex<BTreeMap<Box<str>, Circuit>>>,
}

/// A circuit that is not watched, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// The name cannot be a label that means one circuit.
    #[error("circuit name `{name}` is not usable: {rule}")]
    Name {
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A living circuit has the name.
    #[error(
        "a circuit named `{name}` is registered already: clone its handle or choose another name"
    )]
    Duplicate {
        /// The name.
        name: String,
    },
    /// There are too many circuits.
    #[error(
        "the monitor watches its maximum of {limit} circuits: register one per service, not per call"
    )]
    TooManyCircuits {
        /// The cap.
        limit: usize,
    },
    /// A circuit names too many kinds of failure.
    #[error(
        "a circuit has at most {limit} kinds of failure, but {got} were given: what is not named is `_other`"
    )]
    TooManyKinds {
        /// The cap.
        limit: usize,
        /// How many were given.
        got: usize,
    },
    /// The registry refused a metric.
    #[error("the circuit's metrics cannot be registered")]
    Register(#[source] RegisterError),
}

impl BreakerMonitor {
    /// Registers the topic `circuit-breaker`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has it: clone the first monitor instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let alerts = Alerts::new(registry.counter(&LISTENER_PANICS, &[])?);
        let watch = Arc::new(Watch::new(alerts, registry.counter(&UNKNOWN_CIRCUITS, &[])?));
        registry.monitor(watch.clone())?;
        Ok(Self { registry: registry.clone(), watch, kept: Arc::default() })
    }

    /// Watches a circuit whose failures are of the usual [`FAILURE_KINDS`].
    ///
    /// With the last clone of the handle its series go, and its name is free
    /// again. It begins as closed.
    ///
    /// # Errors
    /// [`CircuitError`] for a name that is taken or unusable, or too many circuits.
    pub fn circuit(&self, name: &str, thresholds: Thresholds) -> Result<Circuit, CircuitError> {
        self.circuit_with_kinds(name, thresholds, FAILURE_KINDS)
    }

    /// Watches a circuit with kinds of failure of its own; all others are `_other`.
    ///
    /// # Errors
    /// As for [`Self::circuit`], also for more than [`MAX_FAILURE_KINDS`].
    pub fn circuit_with_kinds(
        &self,
        name: &str,
        thresholds: Thresholds,
        kinds: &[&'static str],
    ) -> Result<Circuit, CircuitError> {
        check_name(name)?;
        if kinds.len() > MAX_FAILURE_KINDS {
            let (limit, got) = (MAX_FAILURE_KINDS, kinds.len());
            return Err(CircuitError::TooManyKinds { limit, got });
        }
        let mut circuits = self.watch.circuits_mut();
        if circuits.contains_key(name) {
            return Err(CircuitError::Duplicate { name: name.to_owned() });
        }
        if circuits.len() >= MAX_CIRCUITS {
            return Err(CircuitError::TooManyCircuits { limit: MAX_CIRCUITS });
        }
        let cells = CircuitCells::register(&self.registry, name, thresholds, kinds);
        let cells = Arc::new(cells.map_err(CircuitError::Register)?);
        circuits.insert(name.into(), Arc::downgrade(&cells));
        Ok(Circuit::new(cells))
    }

    /// Watches a circuit that is recorded by name, until it is [removed](Self::remove_circuit).
    ///
    /// # Errors
    /// As for [`Self::circuit`].
    pub fn register_circuit(
        &self,
        name: &str,
        thresholds: Thresholds,
    ) -> Result<Circuit, CircuitError> {
        let circuit = self.circuit(name, thresholds)?;
        self.kept().insert(name.into(), circuit.clone());
        Ok(circuit)
    }

    /// Lets go of a circuit that [`Self::register_circuit`] keeps; whether there was one.
    ///
    /// Its series last as long as other handles to it.
    pub fn remove_circuit(&self, name: &str) -> bool {
        self.kept().remove(name).is_some()
    }

    /// A handle to a circuit, for hot paths; `None` for an unknown name.
    pub fn get(&self, name: &str) -> Option<Circuit> {
        Circuit::another(self.watch.find(name)?)
    }

    /// Records a call that succeeded, by the circuit's name.
    ///
    /// This and the other records by name look the circuit up under a lock for
    /// readers; on hot paths hold a [`Circuit`]. For an unknown name nothing is
    /// recorded but one more of [`UNKNOWN_CIRCUITS`].
    pub fn record_success(&self, circuit: &str, took: Duration) {
        self.with(circuit, |cells| cells.success(took));
    }

    /// Records a call that failed, and how; see [`Self::record_success`].
    pub fn record_failure(&self, circuit: &str, took: Duration, kind: &str) {
        self.with(circuit, |cells| cells.failure(took, kind));
    }

    /// Records a call that did not end in time; see [`Self::record_success`].
    pub fn record_timeout(&self, circuit: &str, took: Duration) {
        self.with(circuit, |cells| cells.timeout(took));
    }

    /// Records a call that the breaker did not let through; see [`Self::record_success`].
    pub fn record_rejected(&self, circuit: &str) {
        self.with(circuit, |cells| cells.calls.rejected.inc());
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

    /// Changes what a circuit is judged by, from the next judgement on.
    ///
    /// # Errors
    /// [`UnknownTarget`] for a name that no circuit has.
    pub fn set_thresholds(
        &self,
        circuit: &str,
        thresholds: Thresholds,
    ) -> Result<(), UnknownTarget> {
        let cells = self.watch.find(circuit);
        let cells = cells.ok_or_else(|| self.watch.unknown_target(circuit))?;
        cells.set_thresholds(thresholds);
        Ok(())
    }

    /// Calls a listener once when a threshold is crossed, and once when it is no more.
    ///
    /// It runs on the thread that ticks, which waits for it: hand work on, for
    /// example through a channel. One that panics is contained and counted in
    /// [`LISTENER_PANICS`]. Listeners live as long as the
    /// registry, so one that holds the registry, this monitor or a circuit keeps it for good.
    pub fn on_alert(&self, listener: impl Fn(&Alert) + Send + Sync + 'static) {
        self.watch.alerts.listen(Arc::new(listener));
    }

    /// The names of the circuits, sorted.
    pub fn circuits(&self) -> Vec<String> {
        self.watch.names()
    }

    /// The numbers of one circuit in a sample; `None` for an unknown name.
    pub fn circuit_metrics(&self, sample: &Sample, circuit: &str) -> Option<CircuitMetrics> {
        let reading = self.watch.reading(&sample.view(), circuit)?;
        Some(CircuitMetrics::of(&reading))
    }

    /// The judgement of one circuit in a sample; `None` for an unknown name.
    pub fn assess(&self, sample: &Sample, circuit: &str) -> Option<Assessment> {
        let reading = self.watch.reading(&sample.view(), circuit)?;
        Some(assess::circuit(&reading))
    }

    /// The judgement of the worst circuit in a sample, with the issues of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        assess::all(&self.watch.readings(&sample.view()))
    }

    fn with(&self, circuit: &str, record: impl FnOnce(&CircuitCells)) {
        match self.watch.find(circuit) {
            Some(cells) => record(&cells),
            None => self.watch.unknown.inc(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Circuit>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_name(name: &str) -> Result<(), CircuitError> {
    match broken_name_rule(name) {
        Some(rule) => Err(CircuitError::Name { name: name.to_owned(), rule }),
        None => Ok(()),
    }
}
