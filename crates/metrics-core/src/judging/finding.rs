//! Findings: single problems, each with a penalty and advice.

use std::borrow::Cow;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::judging::topic::Topic;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Should be looked at.
    Warning,
    /// Needs action now.
    Critical,
}

impl Severity {
    /// Returns the word for it, as in JSON and in labels: `warning` or `critical`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One problem of a component.
///
/// A monitor returns the same findings for the same numbers. The core compares the findings of
/// successive ticks by topic, [`code`](Self::code) and [`component`](Self::component), and
/// reports each that appears or disappears as a [`FindingChange`].
///
/// ```
/// use node0_metrics_core::{Finding, Severity};
///
/// let finding = Finding::warning("slow_waits")
///     .penalty(15)
///     .beyond(0.2, 0.1)
///     .message("waits take 200 ms at the 95th percentile")
///     .advice("raise the pool's maximum size");
/// assert_eq!((finding.severity, finding.penalty), (Severity::Warning, 15));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A stable word for programs, such as `pool_exhausted`.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The name of the instance with the problem, such as a pool's; the topic's name by default.
    pub component: String,
    /// The observed value, 0 by default.
    pub observed: f64,
    /// The setting that the value crossed, in the same unit; 0 by default.
    pub threshold: f64,
    /// The points that it subtracts from the component's score of 100.
    pub penalty: u8,
    /// A sentence for people that describes the problem.
    pub message: String,
    /// A sentence for people that describes the remedy.
    pub advice: Cow<'static, str>,
}

impl Finding {
    /// Creates a finding that should be looked at; its penalty is 20 points by default.
    pub fn warning(code: &'static str) -> Self {
        Self::new(code, Severity::Warning, 20)
    }

    /// Creates a finding that needs action now; its penalty is 40 points by default.
    pub fn critical(code: &'static str) -> Self {
        Self::new(code, Severity::Critical, 40)
    }

    fn new(code: &'static str, severity: Severity, penalty: u8) -> Self {
        Self {
            code,
            severity,
            component: String::new(),
            observed: 0.0,
            threshold: 0.0,
            penalty,
            message: String::new(),
            advice: Cow::Borrowed(""),
        }
    }

    /// Attributes the finding to this component instead of the instance, or topic, that is judged.
    #[must_use]
    pub fn component(mut self, name: impl Into<String>) -> Self {
        self.component = name.into();
        self
    }

    /// Subtracts this many points from the component's score, instead of the default.
    #[must_use]
    pub fn penalty(mut self, points: u8) -> Self {
        self.penalty = points;
        self
    }

    /// States the observed value and the threshold that it crossed, in the same unit.
    #[must_use]
    pub fn beyond(mut self, observed: f64, threshold: f64) -> Self {
        (self.observed, self.threshold) = (observed, threshold);
        self
    }

    /// Describes the problem in a sentence for people; empty by default.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Describes the remedy in a sentence for people; without one, no recommendation is shown.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.advice = advice.into();
        self
    }
}

/// A finding that was raised or cleared between two ticks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FindingChange {
    /// The topic whose monitor found it.
    pub topic: &'static Topic,
    /// The change: raised or cleared.
    pub state: FindingState,
    /// The finding; for a cleared one, as it was last seen.
    pub finding: Finding,
    /// The wall time of the tick that raised it.
    pub since: Timestamp,
}

impl FindingChange {
    /// Creates a change, for an observer that finds problems of its own and returns them as
    /// [`Event::Finding`](crate::Event::Finding).
    pub fn new(
        topic: &'static Topic,
        state: FindingState,
        finding: Finding,
        since: Timestamp,
    ) -> Self {
        Self { topic, state, finding, since }
    }
}

/// The change of a finding between two ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// The finding is new: the previous tick did not have it.
    Raised,
    /// The finding is gone, or its component is.
    Cleared,
}
