//! The monitor that the registry owns: it polls, judges and reports the circuits.

use node0_metrics_core::{
    FindingChange, FindingState, Instances, Judgement, Monitor, Report, Topic, UnknownTarget, View,
};

use crate::cells::CircuitCells;
use crate::judge;
use crate::reading::Reading;
use crate::report::{CircuitReport, CircuitsReport};
use crate::thresholds::Threshold;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("circuit-breaker", "circuitBreaker").target("service");

/// All circuits, as the registry owns them; it cannot register circuits, since it has no registry.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) circuits: Instances<CircuitCells>,
}

impl Watch {
    pub(crate) fn readings(&self, view: &View<'_>) -> Vec<Reading> {
        self.circuits.living().into_iter().map(|circuit| Reading::of(circuit, view)).collect()
    }

    /// Counts a raised finding about a crossed threshold.
    pub(crate) fn count_crossing(&self, change: &FindingChange) {
        let has_code = |threshold: &Threshold| threshold.code() == change.finding.code;
        if change.state == FindingState::Raised
            && let Some(threshold) = Threshold::ALL.into_iter().find(has_code)
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
        let readings = match target {
            Some(name) => vec![Reading::of(self.circuits.find(name)?, view)],
            None => self.readings(view),
        };
        let circuits = readings.into_iter().map(|reading| CircuitReport::of(view, reading));
        Ok(Report::new(CircuitsReport { circuits: circuits.collect() }))
    }
}
