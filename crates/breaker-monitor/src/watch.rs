//! The monitor that the registry holds: polls, judges and reports the registered circuits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use metrics_core::{Assessment, Counter, Monitor, Report, Topic, UnknownTarget, View};

use crate::alert::Alerts;
use crate::assess;
use crate::cells::CircuitCells;
use crate::reading::Reading;
use crate::report::CircuitsReport;

/// What this monitor is called.
pub static TOPIC: Topic = Topic::new("circuit-breaker", "circuitBreaker").target("service");

/// All circuits; they are held weakly, so that watching one keeps none alive.
pub(crate) struct Watch {
    circuits: RwLock<Circuits>,
    pub(crate) alerts: Alerts,
    /// Records by names that no circuit has.
    pub(crate) unknown: Counter,
}

/// The circuits by name, and those that were dropped since the last poll.
pub(crate) type Circuits = BTreeMap<Box<str>, Weak<CircuitCells>>;

impl Watch {
    pub(crate) fn new(alerts: Alerts, unknown: Counter) -> Self {
        Self { circuits: RwLock::default(), alerts, unknown }
    }

    fn circuits(&self) -> RwLockReadGuard<'_, Circuits> {
        self.circuits.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The living circuits, to add one.
    pub(crate) fn circuits_mut(&self) -> RwLockWriteGuard<'_, Circuits> {
        let mut circuits = self.circuits.write().unwrap_or_else(PoisonError::into_inner);
        circuits.retain(|_, cells| living(cells).is_some());
        circuits
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.living().iter().map(|cells| String::from(&*cells.name)).collect()
    }

    /// The circuit with this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<CircuitCells>> {
        self.circuits().get(name).and_then(living)
    }

    /// The circuits in the order of their names.
    fn living(&self) -> Vec<Arc<CircuitCells>> {
        self.circuits().values().filter_map(living).collect()
    }

    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        Some(Reading::of(self.find(name)?, view))
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        self.living().into_iter().map(|cells| Reading::of(cells, view)).collect()
    }

    pub(crate) fn unknown_target(&self, name: &str) -> UnknownTarget {
        UnknownTarget { target: name.to_owned(), known: self.names() }
    }
}

/// The cells of a circuit that somebody has a handle to.
fn living(cells: &Weak<CircuitCells>) -> Option<Arc<CircuitCells>> {
    cells.upgrade().filter(|cells| cells.handles.load(Ordering::Relaxed) > 0)
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.living().iter().for_each(|cells| cells.observe());
        let is_dead = |cells: &Weak<CircuitCells>| living(cells).is_none();
        if self.circuits().values().any(is_dead) {
            drop(self.circuits_mut());
        }
    }

    /// Judges, and tells listeners what changed since the view before.
    fn assess(&self, view: &View<'_>) -> Assessment {
        let circuits = self.readings(view);
        self.alerts.follow(&circuits, view);
        assess::all(&circuits)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let Some(target) = target else {
            return Ok(Report::new(CircuitsReport::of_all(view, &self.readings(view))));
        };
        let Some(circuit) = self.reading(view, target) else {
            return Err(self.unknown_target(target));
        };
        Ok(Report::new(CircuitsReport::of_one(view, &circuit)))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("circuits", &self.names())
            .field("alerts", &self.alerts)
            .finish_non_exhaustive()
    }
}
