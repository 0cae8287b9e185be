//! Alerts inside a service: rules over metrics and findings, pending, firing and resolved.
//!
//! [`Alerts`] watches a registry. Each second it compares what the registry published with its
//! [`Rule`]s. A rule has a condition: a [`Metric`] beyond a threshold, or a monitor's finding
//! ([`Findings`]). If the condition holds for long enough, an alert fires, and if it does not hold
//! any more, the alert is resolved. Each set of labels is an alert of its own.
//!
//! ```
//! use node0_alerting::Alerts;
//! use node0_metrics_core::{Event, Registry};
//!
//! let registry = Registry::new();
//! // The rules that come with node0, one of them stricter.
//! let alerts =
//!     Alerts::builder().edit("HighP95Latency", |rule| rule.threshold(0.5)).register(&registry)?;
//! assert!(alerts.overview().active.is_empty());
//!
//! // News reach every listener of the registry.
//! registry.listen("pager", |event| {
//!     if let Event::Alert(change) = event {
//!         eprintln!("{:?}: {}", change.cause, change.alert.message);
//!     }
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - **States** are those of the Alert Generator Compliance Specification 1.0 of Prometheus:
//!   pending, firing, inactive. News are repeated each minute, also for 15 minutes after the end
//!   of an alert, so that a receiver that was away learns of it.
//! - **Missing data resolve nothing.** If a gauge cannot be read, a series is gone or a monitor
//!   fails, an alert keeps its state for five minutes. No traffic is not missing data: then a
//!   latency or a share is no problem.
//! - **A stopped process raises nothing.** Time in which nobody looked does not count for a `for`,
//!   and rates that contain a gap are not judged.
//! - **Noise is kept away.** A rule waits for its `for`. An alert that comes and goes is resolved
//!   later each time, up to an hour. While an alert fires that explains another one for the same
//!   component, the other one is not announced. A silence keeps matching alerts quiet for a time.
//!   [`Alert::held_back`](node0_metrics_core::Alert::held_back) shows all of that.
//! - **Bounded.** A rule has at most a hundred active alerts; the rest is counted.
//!
//! # What it does not do
//!
//! It knows samples, and no monitor, no format and no network. Delivery to Alertmanager or to a
//! webhook is the job of an outlet, and conditions of your own are findings of your own monitor:
//! the core calls it with a timeout, so it cannot stop the alerts.
//!
//! # Metrics
//!
//! | metric | meaning |
//! | --- | --- |
//! | `node0_alerts{alertname,state,severity}` | active alerts |
//! | `node0_alerts_left_out{alertname}` | alerts beyond the maximum of their rule |
//! | `node0_alert_news_total{cause}` | news that were sent to listeners |
//! | `node0_alert_rule_reloads_total{outcome}` | reloads of the rules |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `toml` | rules and silences from a file: `AlertingBuilder::rules_file`, `Alerts::reload_file` |

mod alerts;
mod built_in;
mod condition;
mod rule;
#[cfg(feature = "toml")]
mod rules_file;

mod engine;
mod facts;
mod hourly_mean;
mod life;
mod measure;
mod metrics;
mod missing;
mod overview;
mod promql;
mod rule_state;
mod settings;
mod silence;
mod steady_clock;
mod template;
mod tracked;

pub use alerts::{AlertingBuilder, AlertingError, Alerts};
pub use built_in::built_in;
pub use condition::{
    Comparison, Condition, Findings, Matcher, Metric, Operator, Statistic, Text, Threshold,
};
pub use metrics::{ALERT_NEWS, ALERTS, ALERTS_LEFT_OUT, DESCS, RULE_RELOADS};
pub use overview::{Overview, RuleStatus, rfc3339};
pub use promql::{Promql, query};
pub use rule::{Rule, RuleError};
#[cfg(feature = "toml")]
pub use rules_file::{Mistake, RulesFile, RulesFileError, apply as apply_toml};
pub use silence::{PlannedSilence, Silence, SilenceEnd};
