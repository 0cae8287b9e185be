//! The monitor that the registry holds: it expires idle names, and judges and reports operations.

use std::time::Duration;

use node0_metrics_core::{Judgement, Monitor, Report, Topic, UnknownTarget, View};

use crate::by_name::ByName;
use crate::judge;
use crate::reading;
use crate::report::OperationsReport;
use crate::thresholds::Thresholds;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("performance", "performance").target("operation");

/// All names, as the registry owns them; it has no registry itself.
#[derive(Clone, Debug)]
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

    fn judge(&self, view: &View<'_>) -> Judgement {
        judge::operations(view.snapshot(), &self.thresholds)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let snapshot = view.snapshot();
        let Some(name) = target else {
            return Ok(Report::new(OperationsReport::of_all(snapshot)));
        };
        match OperationsReport::of_one(snapshot, name) {
            Some(report) => Ok(Report::new(report)),
            None => Err(UnknownTarget { target: name.to_owned(), known: reading::names(snapshot) }),
        }
    }
}
