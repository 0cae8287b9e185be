//! The monitor that the registry holds: it polls, judges and reports the circuits.

use metrics_core::{
    FindingChange, FindingState, Instances, Judgement, Monitor, Report, Topic, UnknownTarget, View,
};

use crate::cells::CircuitCells;
use crate::judge;
use crate::reading::Reading;
use crate::report::CircuitsReport;
use crate::thresholds::Threshold;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("circuit-breaker", "circuitBreaker").target("service");

/// All circuits, without the right to register one: that takes the registry, which holds this.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) circuits: Instances<CircuitCells>,
}

impl Watch {
    pub(crate) fn readings(&self, view: &View<'_>) -> Vec<Reading> {
        self.circuits.living().into_iter().map(|circuit| Reading::of(circuit, view)).collect()
    }

    /// Counts a threshold that was crossed.
    pub(crate) fn count_crossing(&self, change: &FindingChange) {
        let crossed = Threshold::ALL.into_iter().find(|limit| limit.code() == change.finding.code);
        if change.state == FindingState::Raised
            && let Some(threshold) = crossed
            && let Some(circuit) = self.circuits.get(&change.finding.component)
        {
            circuit.series.crossings[threshold].inc();
        }
    }
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.circuits.living().iter().for_each(|circuit| circuit.poll());
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        judge::all(&self.readings(view))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let circuits = match target {
            Some(name) => vec![Reading::of(self.circuits.find(name)?, view)],
            None => self.readings(view),
        };
        Ok(Report::new(CircuitsReport::of(view, circuits)))
    }
}
