//! Alerts as plain data: what an alert engine found, for all who tell people about it.
//!
//! The core has no alert engine. It has the type, as it has those of findings and health,
//! because events carry it: the engine that makes alerts and the readers that show or deliver
//! them do not depend on each other.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::judging::finding::Severity;
use crate::naming::desc::Unit;
use crate::naming::labels::Labels;
use crate::reading::summary::millis;

/// One alert: a rule whose condition holds, or held, for one set of labels.
///
/// As JSON the fields are in camel case, times are epoch milliseconds, and a value in seconds is
/// shown in milliseconds, as in all bodies.
///
/// ```
/// use node0_metrics_core::{Alert, Unit};
///
/// let mut alert = Alert::new("HighP95Latency", [("operation", "orders:create")]);
/// (alert.value, alert.threshold, alert.unit) = (1.25, 1.0, Unit::Seconds);
/// let json = serde_json::to_value(&alert)?;
/// assert_eq!((&json["value"], &json["unit"]), (&1250.0.into(), &"milliseconds".into()));
/// assert_eq!(json["labels"]["alertname"], "HighP95Latency");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// Identifies the alert: a hash of its labels, so it is the same each time that it fires.
    pub id: String,
    /// The name of the rule, such as `HighP95Latency`; also the label `alertname`.
    pub name: String,
    /// The state.
    pub state: AlertState,
    /// The severity.
    pub severity: Severity,
    /// The topic that the alert is about, such as `database`.
    pub topic: String,
    /// The instance that it is about, such as a pool's name; the topic's name if there is none.
    pub component: String,
    /// The value at the last evaluation at which the condition held.
    pub value: f64,
    /// The value that was crossed.
    pub threshold: f64,
    /// The unit of value and threshold.
    pub unit: Unit,
    /// The wall time at which the condition began to hold.
    pub active_at: Timestamp,
    /// The wall time at which it fired; `None` while it is pending.
    pub starts_at: Option<Timestamp>,
    /// The wall time at which it was resolved; `None` before.
    pub ends_at: Option<Timestamp>,
    /// The wall time from which on a receiver that hears nothing more may take it as resolved.
    pub expires_at: Timestamp,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What it means for the service.
    pub description: String,
    /// What to do about it.
    pub remedy: String,
    /// The address of a page about it; empty if there is none.
    pub runbook: String,
    /// The labels that identify it, with `alertname` and `severity`.
    pub labels: Labels,
    /// Why it is not announced, or not resolved yet; empty otherwise.
    pub held_back: Vec<HeldBack>,
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The condition holds, but not for long enough yet.
    Pending,
    /// The condition has held for long enough.
    Firing,
    /// It fired, and the condition holds no more.
    Resolved,
}

/// A reason why an alert is kept from being announced or from being resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// The reason.
    pub reason: HeldReason,
    /// What holds it back: the id of a silence, the name of an alert; empty otherwise.
    pub by: String,
    /// The wall time until which it is held back, if nothing changes.
    pub until: Option<Timestamp>,
}

/// The kinds of reasons in [`HeldBack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum HeldReason {
    /// A silence matches it: it is not announced.
    Silenced,
    /// Another alert explains it: it is not announced.
    Inhibited,
    /// The condition holds no more; it fires on for the time that its rule sets.
    KeptFiring,
    /// As `KeptFiring`, for longer than the rule says, since it came and went before.
    Flapping,
    /// Its data are missing: it keeps its state for some minutes.
    NoData,
}

/// News of an alert that is announced, as sent to listeners.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AlertChange {
    /// The kind of news.
    pub cause: AlertCause,
    /// The alert.
    pub alert: Arc<Alert>,
}

/// The kinds of news of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertCause {
    /// It fires, and was not announced before.
    Fired,
    /// It was announced and is resolved.
    Resolved,
    /// Nothing changed. It is repeated for receivers that forget what they hear no more of.
    Repeated,
}

impl Alert {
    /// Creates a pending warning with these labels, to which `alertname` is added.
    pub fn new<'a>(name: &'a str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels = Labels::new(labels.into_iter().chain([("alertname", name)]));
        Self {
            id: format!("{:016x}", fingerprint(&labels)),
            name: name.to_owned(),
            state: AlertState::Pending,
            severity: Severity::Warning,
            topic: String::new(),
            component: String::new(),
            value: 0.0,
            threshold: 0.0,
            unit: Unit::None,
            active_at: Timestamp::from_millis(0),
            starts_at: None,
            ends_at: None,
            expires_at: Timestamp::from_millis(0),
            message: String::new(),
            description: String::new(),
            remedy: String::new(),
            runbook: String::new(),
            labels,
            held_back: Vec::new(),
        }
    }
}

impl Alert {
    /// Returns the texts by their usual names: `summary`, `description`, `remedy` and
    /// `runbook_url`; empty ones are left out.
    pub fn annotations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = [
            ("summary", self.message.as_str()),
            ("description", &self.description),
            ("remedy", &self.remedy),
            ("runbook_url", &self.runbook),
        ];
        texts.into_iter().filter(|(_, text)| !text.is_empty())
    }
}

impl AlertChange {
    /// Creates news of an alert, for an alert engine.
    pub fn new(cause: AlertCause, alert: Arc<Alert>) -> Self {
        Self { cause, alert }
    }
}

/// Hashes labels with FNV-1a, which is the same in each process and release.
fn fingerprint(labels: &Labels) -> u64 {
    let texts = labels.iter().flat_map(|(key, value)| [key, value]);
    // 255 is in no UTF-8 text, so it separates the texts.
    let bytes = texts.flat_map(|text| text.bytes().chain([255]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_time = self.unit == Unit::Seconds;
        let shown = |value: f64| if is_time { millis(value) } else { value };
        let unit = if is_time { "milliseconds" } else { self.unit.suffix() };
        let mut body = serializer.serialize_struct("Alert", 19)?;
        body.serialize_field("id", &self.id)?;
        body.serialize_field("name", &self.name)?;
        body.serialize_field("state", &self.state)?;
        body.serialize_field("severity", &self.severity)?;
        body.serialize_field("topic", &self.topic)?;
        body.serialize_field("component", &self.component)?;
        body.serialize_field("value", &shown(self.value))?;
        body.serialize_field("threshold", &shown(self.threshold))?;
        body.serialize_field("unit", &(!unit.is_empty()).then_some(unit))?;
        body.serialize_field("activeAt", &self.active_at)?;
        body.serialize_field("startsAt", &self.starts_at)?;
        body.serialize_field("endsAt", &self.ends_at)?;
        body.serialize_field("expiresAt", &self.expires_at)?;
        body.serialize_field("message", &self.message)?;
        body.serialize_field("description", &self.description)?;
        body.serialize_field("remedy", &self.remedy)?;
        body.serialize_field("runbook", &self.runbook)?;
        body.serialize_field("labels", &self.labels)?;
        body.serialize_field("heldBack", &self.held_back)?;
        body.end()
    }
}
