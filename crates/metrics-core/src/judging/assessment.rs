//! Assessments: the result of a judgement as a score with findings, and its JSON in reports.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::judging::finding::Finding;
use crate::judging::status::Status;
use crate::judging::topic::{StatusWords, Topic};

/// The health of a topic or of one of its instances: a score, and the findings behind it.
///
/// The core folds each [`Judgement`](crate::Judgement) into one. As JSON it is the `health` block
/// of every report: sentences in `issues` and `recommendations`, the findings in `issueDetails`.
///
/// ```
/// use node0_metrics_core::{Finding, Judgement, Status};
///
/// let slow = Finding::warning("slow_waits").message("waits take 200 ms").advice("add connections");
/// let assessment = Judgement::healthy("Database pool healthy").with(slow).assess();
/// assert_eq!((assessment.status, assessment.score), (Status::Degraded, Some(80)));
/// assert_eq!(assessment.summary, "waits take 200 ms");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assessment {
    /// The status that follows from the score.
    pub status: Status,
    /// 0 to 100; `None` without data.
    pub score: Option<u8>,
    /// One line for people: the first finding's message, or without findings the monitor's summary.
    pub summary: Cow<'static, str>,
    /// The findings; those of the worst instance first.
    pub findings: Vec<Finding>,
}

impl Assessment {
    /// Subtracts the penalty of each finding from a score of 100.
    pub(crate) fn of(summary: Cow<'static, str>, findings: Vec<Finding>) -> Self {
        let left = |score: u8, finding: &Finding| score.saturating_sub(finding.penalty);
        let score = Some(findings.iter().fold(100, left));
        let summary = findings.first().map_or(summary, |first| first.message.clone().into());
        Self { status: Status::of(score), score, summary, findings }
    }

    pub(crate) fn unknown(summary: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Status::Unknown, score: None, summary: summary.into(), findings: Vec::new() }
    }

    /// Raises the score to at least `score`; an unknown one stays unknown.
    pub(crate) fn at_least(mut self, score: u8) -> Self {
        self.score = self.score.map(|own| own.max(score));
        self.status = Status::of(self.score);
        self
    }

    /// Returns the worse of two assessments, with the findings of both.
    pub(crate) fn worst(self, other: Self) -> Self {
        // A known score always leads over an unknown one.
        let other_leads = match (self.score, other.score) {
            (Some(mine), Some(theirs)) => theirs < mine,
            (None, theirs) => theirs.is_some(),
            (Some(_), None) => false,
        };
        let (mut lead, rest) = if other_leads { (other, self) } else { (self, other) };
        lead.findings.extend(rest.findings);
        lead
    }

    /// Returns the advice of all findings, each sentence once.
    pub fn recommendations(&self) -> Vec<&str> {
        let mut advice: Vec<&str> = Vec::new();
        for finding in self.findings.iter().filter(|finding| !finding.advice.is_empty()) {
            if !advice.contains(&&*finding.advice) {
                advice.push(&finding.advice);
            }
        }
        advice
    }
}

impl Serialize for Assessment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HealthBlock { assessment: self, words: None }.serialize(serializer)
    }
}

/// The `health` block of a topic's reports, with the topic's own words for the status.
///
/// ```
/// use node0_metrics_core::{HealthBlock, Judgement, StatusWords, Topic};
///
/// static TOPIC: Topic = Topic::new("cache", "cache").status_words(StatusWords {
///     healthy: "optimal",
///     degraded: "degraded",
///     unhealthy: "poor",
/// });
/// let assessment = Judgement::healthy("Cache healthy").assess();
/// let json = serde_json::to_value(HealthBlock::new(&TOPIC, &assessment))?;
/// assert_eq!((&json["status"], &json["level"]), (&"optimal".into(), &"healthy".into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HealthBlock<'a> {
    assessment: &'a Assessment,
    words: Option<StatusWords>,
}

impl<'a> HealthBlock<'a> {
    /// Creates the block for an assessment of `topic`.
    pub fn new(topic: &Topic, assessment: &'a Assessment) -> Self {
        Self { assessment, words: topic.status_words }
    }
}

impl Serialize for HealthBlock<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { assessment: Assessment { status, score, findings, .. }, words } = *self;
        let issues: Vec<&str> = findings.iter().map(|finding| &*finding.message).collect();
        let fields = if words.is_some() { 6 } else { 5 };
        let mut block = serializer.serialize_struct("Health", fields)?;
        match words {
            Some(words) => block.serialize_field("status", words.of(*status))?,
            None => block.serialize_field("status", status)?,
        }
        block.serialize_field("score", score)?;
        block.serialize_field("issues", &issues)?;
        block.serialize_field("recommendations", &self.assessment.recommendations())?;
        block.serialize_field("issueDetails", findings)?;
        if words.is_some() {
            block.serialize_field("level", status)?;
        }
        block.end()
    }
}
