//! Findings: single things that are wrong, with what each costs and what to do about it.

use std::borrow::Cow;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::judging::topic::Topic;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Act now.
    Critical,
}

/// One thing that is wrong with a component.
///
/// A monitor finds the same things each time it judges the same numbers. The core compares
/// the findings of two ticks by topic, [`code`](Self::code) and
/// [`component`](Self::component), and reports a change as a [`FindingChange`].
///
/// ```
/// use metrics_core::{Finding, Severity};
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
    /// The instance that it is about, such as a pool's name; the topic's name by default.
    pub component: String,
    /// The value that was seen.
    pub observed: f64,
    /// The setting that the value crossed.
    pub threshold: f64,
    /// The points that it takes from the component's score of 100.
    pub penalty: u8,
    /// A sentence for people that says what is wrong.
    pub message: String,
    /// A sentence for people that says what to do about it.
    pub advice: Cow<'static, str>,
}

impl Finding {
    /// A finding that is worth a look; it takes 20 points by default.
    pub fn warning(code: &'static str) -> Self {
        Self::new(code, Severity::Warning, 20)
    }

    /// A finding that asks for action now; it takes 40 points by default.
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

    /// Names another component than the instance, or topic, that is judged.
    #[must_use]
    pub fn component(mut self, name: impl Into<String>) -> Self {
        self.component = name.into();
        self
    }

    /// Takes so many points from the component's score instead of the default.
    #[must_use]
    pub fn penalty(mut self, points: u8) -> Self {
        self.penalty = points;
        self
    }

    /// States the value that was seen and the threshold that it crossed, in one unit.
    #[must_use]
    pub fn beyond(mut self, observed: f64, threshold: f64) -> Self {
        (self.observed, self.threshold) = (observed, threshold);
        self
    }

    /// States what is wrong, in a sentence for people.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// States what to do about it, in a sentence for people.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.advice = advice.into();
        self
    }
}

/// A finding that came or went between two ticks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FindingChange {
    /// The topic whose monitor found it.
    pub topic: &'static Topic,
    /// Whether it came or went.
    pub state: FindingState,
    /// The finding; of one that went, as it was found last.
    pub finding: Finding,
    /// The wall time of the tick that found it first.
    pub since: Timestamp,
}

/// Whether a finding came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// It was not found at the tick before.
    Raised,
    /// It is found no more, or its component is gone.
    Cleared,
}
