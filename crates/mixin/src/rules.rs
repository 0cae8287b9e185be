//! Alerting and recording rules for Prometheus.
//!
//! The alerts are those of the service itself, [`node0_alerting::built_in`], written in PromQL, and a few
//! that only a server outside can see, such as a target that does not answer. A server scrapes
//! every 15 to 60 s, so rates are over five minutes.
//!
//! - What users feel of a service is judged over all its instances: latency, traffic, hit rates.
//!   The state of a process is judged by itself: pools, breakers, memory, runtime.
//! - Gauges keep their last value while scrapes fail, for five minutes like the engine in the
//!   service. `max_over_time` would do that too, but one bad scrape would count as five minutes.
//! - A ratio has no result without traffic, so it is no alert and no NaN.

mod alert;
mod alertmanager;
mod file;
mod lint;
mod outside;
mod recording;
mod text;

pub use self::alert::{AlertRule, alert_rules, alert_rules_of};
pub use self::recording::{RecordingRule, recording_rules};

pub(crate) use self::lint::findings;

use crate::documents::{Document, DocumentError};

/// Returns the generated files about rules.
///
/// # Errors
/// [`DocumentError::Yaml`] if one cannot be written as YAML.
pub(crate) fn documents() -> Result<Vec<Document>, DocumentError> {
    Ok(vec![file::document()?, alertmanager::document()?])
}
