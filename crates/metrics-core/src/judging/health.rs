//! The words for how something is: status, score, issues, advice.
//!
//! A score is for people and for alerts; it never decides a probe. What has no
//! data is unknown, which is neither good nor bad: it has no score and is left
//! out of every mean.

use std::borrow::Cow;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The lowest score that is still healthy, exclusive.
pub const HEALTHY_ABOVE: u8 = 85;
/// The lowest score that is degraded; below it is unhealthy.
pub const DEGRADED_FROM: u8 = 70;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No data to judge by.
    Unknown,
    /// A score above [`HEALTHY_ABOVE`].
    Healthy,
    /// A score from [`DEGRADED_FROM`] to [`HEALTHY_ABOVE`].
    Degraded,
    /// A score below [`DEGRADED_FROM`].
    Unhealthy,
}

impl Status {
    /// The status that a score stands for; no score is unknown.
    pub const fn of(score: Option<u8>) -> Self {
        match score {
            None => Self::Unknown,
            Some(score) if score > HEALTHY_ABOVE => Self::Healthy,
            Some(score) if score >= DEGRADED_FROM => Self::Degraded,
            Some(_) => Self::Unhealthy,
        }
    }
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Act now.
    Critical,
}

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Issue {
    /// A stable word for programs, such as `pool_exhausted`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, such as a pool's name.
    pub component: String,
    /// The value that was seen.
    pub observed: f64,
    /// The setting that it crossed.
    pub threshold: f64,
    /// A sentence for people.
    pub message: String,
}

/// What to do about an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recommendation {
    /// The [`Issue::code`] it answers.
    pub code: &'static str,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

/// The judgement of a monitor on one view of its numbers.
///
/// ```
/// use metrics_core::{Assessment, Issue, Severity, Status};
///
/// let fine = Assessment::healthy("Database pool healthy");
/// assert_eq!((fine.status, fine.score), (Status::Healthy, Some(100)));
///
/// let issue = Issue {
///     code: "slow_waits",
///     severity: Severity::Warning,
///     component: "main".into(),
///     observed: 0.2,
///     threshold: 0.1,
///     message: "pool `main`: waits take 200 ms at p95".into(),
/// };
/// let worse = fine.with(20, issue, "raise the pool's maximum size");
/// assert_eq!((worse.status, worse.score), (Status::Degraded, Some(80)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assessment {
    /// What the score stands for.
    pub status: Status,
    /// 0 to 100; `None` without data.
    pub score: Option<u8>,
    /// One line for people, such as `Database pool healthy`.
    pub summary: Cow<'static, str>,
    /// What is wrong, in the order of finding.
    pub issues: Vec<Issue>,
    /// What to do about it.
    pub recommendations: Vec<Recommendation>,
}

impl Assessment {
    /// Nothing is wrong.
    pub fn healthy(summary: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: Status::Healthy,
            score: Some(100),
            summary: summary.into(),
            issues: Vec::new(),
            recommendations: Vec::new(),
        }
    }

    /// There is nothing to judge by.
    pub fn unknown(summary: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Status::Unknown, score: None, ..Self::healthy(summary) }
    }

    /// Takes `penalty` points for an issue; the first issue becomes the summary.
    #[must_use]
    pub fn with(
        mut self,
        penalty: u8,
        issue: Issue,
        recommendation: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.score = Some(self.score.unwrap_or(100).saturating_sub(penalty));
        self.status = Status::of(self.score);
        if self.issues.is_empty() {
            self.summary = issue.message.clone().into();
        }
        let advice = Recommendation { code: issue.code, message: recommendation.into() };
        if !self.recommendations.contains(&advice) {
            self.recommendations.push(advice);
        }
        self.issues.push(issue);
        self
    }

    /// Raises a known score to at least this one, for what a service can do without.
    ///
    /// ```
    /// use metrics_core::{Assessment, DEGRADED_FROM, Issue, Severity, Status};
    ///
    /// # let issue = Issue {
    /// #     code: "dead", severity: Severity::Critical, component: "l2".into(),
    /// #     observed: 1.0, threshold: 0.0, message: "it is dead".into(),
    /// # };
    /// let dead = Assessment::healthy("").with(90, issue, "start it");
    /// let optional = dead.at_least(DEGRADED_FROM);
    /// assert_eq!((optional.status, optional.issues.len()), (Status::Degraded, 1));
    /// ```
    #[must_use]
    pub fn at_least(mut self, score: u8) -> Self {
        self.score = self.score.map(|own| own.max(score));
        self.status = Status::of(self.score);
        self
    }

    /// The worse of two, with the issues of both: what a topic says of several instances.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        // Unknown says nothing, so it gives way to anything known.
        let other_leads = match (self.score, other.score) {
            (Some(mine), Some(theirs)) => theirs < mine,
            (None, theirs) => theirs.is_some(),
            (Some(_), None) => false,
        };
        let (mut lead, rest) = if other_leads { (other, self) } else { (self, other) };
        lead.issues.extend(rest.issues);
        for advice in rest.recommendations {
            if !lead.recommendations.contains(&advice) {
                lead.recommendations.push(advice);
            }
        }
        lead
    }
}

/// As the `health` block of every report: sentences first, the objects behind them in `issueDetails`.
impl Serialize for Assessment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let issues: Vec<&str> = self.issues.iter().map(|issue| &*issue.message).collect();
        let advice: Vec<&str> =
            self.recommendations.iter().map(|advice| &*advice.message).collect();
        let mut block = serializer.serialize_struct("Assessment", 5)?;
        block.serialize_field("status", &self.status)?;
        block.serialize_field("score", &self.score)?;
        block.serialize_field("issues", &issues)?;
        block.serialize_field("recommendations", &advice)?;
        block.serialize_field("issueDetails", &self.issues)?;
        block.end()
    }
}

/// The judgement over all topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Overall {
    /// What the score stands for.
    pub status: Status,
    /// The weighted mean of the known scores, no higher than the worst of a required topic.
    pub score: Option<u8>,
}

impl Overall {
    pub(crate) fn of<'a>(topics: impl IntoIterator<Item = &'a TopicHealth>) -> Self {
        let (mut sum, mut weight, mut cap) = (0, 0, u8::MAX);
        for TopicHealth { topic, assessment, .. } in topics {
            let Some(score) = assessment.score else {
                continue;
            };
            sum += u32::from(score) * u32::from(topic.weight);
            weight += u32::from(topic.weight);
            if topic.required {
                cap = cap.min(score);
            }
        }
        let score = sum.checked_div(weight).map(|mean| u8::try_from(mean).unwrap_or(100).min(cap));
        Self { status: Status::of(score), score }
    }
}

/// How long a new status must last to be believed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hysteresis {
    /// For how many ticks in a row.
    pub(crate) ticks: u32,
    /// And for how long, since ticks may be short.
    pub(crate) lasting: Duration,
}

/// What is published of a topic: the judgement that held long enough to be believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicHealth {
    /// Whose health it is.
    pub topic: &'static crate::Topic,
    /// The believed judgement.
    pub assessment: Assessment,
    pending: Option<Pending>,
}

/// A status that differs from the believed one.
#[derive(Clone, Copy, Debug)]
struct Pending {
    status: Status,
    /// How many ticks in a row it did.
    ticks: u32,
    since: Duration,
}

impl TopicHealth {
    pub(crate) fn first(topic: &'static crate::Topic, assessment: Assessment) -> Self {
        Self { topic, assessment, pending: None }
    }

    /// Takes a tick's judgement; a change of status is believed once it has lasted.
    ///
    /// Returns the status before, when it changed. What was unknown, or becomes
    /// so, is believed at once: there is nothing to wait for.
    pub(crate) fn update(
        &mut self,
        new: Assessment,
        now: Duration,
        rule: Hysteresis,
    ) -> Option<Status> {
        let before = self.assessment.status;
        let settled =
            before == new.status || before == Status::Unknown || new.status == Status::Unknown;
        if !settled {
            let same = self.pending.filter(|pending| pending.status == new.status);
            let (ticks, since) =
                same.map_or((1, now), |pending| (pending.ticks.saturating_add(1), pending.since));
            if ticks < rule.ticks || now.saturating_sub(since) < rule.lasting {
                self.pending = Some(Pending { status: new.status, ticks, since });
                return None;
            }
        }
        self.pending = None;
        self.assessment = new;
        (before != self.assessment.status).then_some(before)
    }
}

#[cfg(test)]
mod tests;
