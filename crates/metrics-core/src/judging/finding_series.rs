//! The published findings as series, for readers that know nothing but metrics.
//!
//! A finding is an object with texts, which Prometheus cannot store. Its series has the value 1 from the
//! tick that publishes the finding until the one that does not, so a query over it says the same as
//! a rule over the finding. It is 0 for one more tick, since a series without handles is sampled
//! once more before it is removed.

use std::collections::BTreeMap;
use std::mem;

use crate::judging::finding::Severity;
use crate::judging::health::TopicHealth;
use crate::naming::desc::Desc;
use crate::recording::gauge::Gauge;
use crate::recording::store::Store;

/// The published findings of all monitors.
pub const FINDINGS: Desc = Desc::gauge(
    "node0_findings",
    "1 for each finding of a monitor while it lasts. It is 0 for a second after that, then the series ends.",
)
.labels(&["topic", "code", "component", "severity"]);

/// The gauges of the findings that are published.
#[derive(Debug, Default)]
pub(crate) struct FindingSeries {
    gauges: BTreeMap<Key, Gauge>,
}

type Key = (&'static str, &'static str, String, Severity);

impl FindingSeries {
    /// Registers a series for each new finding, and ends those of findings that are gone.
    ///
    /// The first sample with a new series is the next one. Beyond the cap of a family, findings share
    /// the series `_other`.
    pub(crate) fn follow(&mut self, topics: &[TopicHealth], store: &Store) {
        let mut before = mem::take(&mut self.gauges);
        for health in topics {
            for finding in &health.assessment.findings {
                let (topic, code, severity) = (health.topic.name, finding.code, finding.severity);
                let key = (topic, code, finding.component.clone(), severity);
                let gauge = before.remove(&key).unwrap_or_else(|| {
                    let labels = [topic, code, &finding.component, severity.word()];
                    store.handle(&FINDINGS, &labels).unwrap_or_else(|_| Gauge::disabled())
                });
                self.gauges.insert(key, gauge);
            }
        }
        before.into_values().for_each(|gauge| gauge.set(0.0));
        // Set last, since `_other` may stand for findings that are gone and for others that last.
        self.gauges.values().for_each(|gauge| gauge.set(1.0));
    }
}
