//! The monitor that the registry owns: it polls, judges and reports the tiers.

use node0_metrics_core::{
    Instances, Judgement, Monitor, Report, StatusWords, Topic, UnknownTarget, View,
};

use crate::cells::TierCells;
use crate::judge;
use crate::reading::{Reading, Readings};
use crate::report::{CachesReport, layer_report};
use crate::thresholds::Thresholds;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("cache", "cache").target("layer").status_words(StatusWords {
    healthy: "optimal",
    degraded: "degraded",
    unhealthy: "poor",
});

/// All tiers, as the registry owns them; it cannot register tiers, since it has no registry.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) tiers: Instances<TierCells>,
    /// For tiers without thresholds of their own.
    pub(crate) thresholds: Thresholds,
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.tiers.living().iter().for_each(|tier| tier.poll());
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        judge::all(Readings::of(self, view).iter())
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let tiers = Readings::of(self, view);
        let Some(target) = target else {
            return Ok(Report::new(CachesReport::of(view, &tiers)));
        };
        let layer = tiers.layer(target)?;
        let paths = layer.iter().copied().map(Reading::path);
        Ok(Report::new(layer_report(&layer)).about(paths))
    }
}
