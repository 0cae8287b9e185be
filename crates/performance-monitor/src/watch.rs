//! The monitor that the registry holds: expires idle names, judges and reports operations.

use std::time::Duration;

use metrics_core::{Assessment, Monitor, Report, Topic, UnknownTarget, View};

use crate::assess;
use crate::by_name::ByName;
use crate::reading;
use crate::report::OperationsReport;
use crate::thresholds::Thresholds;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("performance", "performance").target("operation");

#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) by_name: ByName,
    pub(crate) thresholds: Thresholds,
    pub(crate) idle_expiry: Duration,
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.by_name.expire_idle(self.idle_expiry);
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        assess::operations(view.snapshot(), &self.thresholds)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let Some(target) = target else {
            return Ok(Report::new(OperationsReport::of_all(view)));
        };
        let report = OperationsReport::of_one(view, target).map(Report::new);
        report.ok_or_else(|| UnknownTarget {
            target: target.to_owned(),
            known: reading::names(view.snapshot()),
        })
    }
}
