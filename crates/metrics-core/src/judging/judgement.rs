//! Judgements: a monitor's findings in one view, by instance.
//!
//! A monitor only reports its findings. The core computes the score, picks the worst instance
//! for the topic and applies hysteresis, since these rules are the same for every monitor.

use std::borrow::Cow;

use crate::judging::assessment::Assessment;
use crate::judging::finding::Finding;
use crate::judging::health::ComponentHealth;

/// A monitor's findings by instance, or the statement that there is no data.
///
/// A monitor of one thing:
///
/// ```
/// use node0_metrics_core::{Finding, Judgement, Status};
///
/// let waiting = 120;
/// let mut judgement = Judgement::healthy(format!("{waiting} messages wait"));
/// if waiting > 100 {
///     let deep = Finding::warning("queue_deep").beyond(120.0, 100.0);
///     judgement = judgement.with(deep.message("120 messages wait").advice("add consumers"));
/// }
/// let assessment = judgement.assess();
/// assert_eq!((assessment.status, assessment.score), (Status::Degraded, Some(80)));
/// ```
///
/// A monitor of several instances; the topic gets the score of the worst:
///
/// ```
/// use node0_metrics_core::{Finding, Judgement};
///
/// let instances = [
///     ("mail", Judgement::healthy("Queue healthy")),
///     ("sms", Judgement::healthy("Queue healthy").with(Finding::critical("queue_stuck"))),
///     ("push", Judgement::unknown("queue `push` was not used yet")),
/// ];
/// let assessment = Judgement::of_instances("no queue is watched", instances).assess();
/// assert_eq!(assessment.score, Some(60));
/// assert_eq!(assessment.findings[0].component, "sms");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "return it from `Monitor::judge`"]
pub struct Judgement {
    /// The summary if there are no parts.
    nothing: Cow<'static, str>,
    parts: Vec<Part>,
    /// The lowest score that findings can leave, for a part that is added later.
    floor: u8,
}

/// A folded judgement: the assessment of the topic, and of each instance.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) assessment: Assessment,
    pub(crate) components: Vec<ComponentHealth>,
}

/// The findings about one instance, or about a topic without instances.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    /// Empty for a topic without instances.
    component: String,
    /// The summary while nothing is wrong.
    summary: Cow<'static, str>,
    is_known: bool,
    findings: Vec<Finding>,
    /// The lowest score that the findings can leave.
    floor: u8,
}

impl Judgement {
    /// Creates a judgement without findings, to which some can be [added](Self::with).
    ///
    /// `summary` is the line for people while there are no findings.
    pub fn healthy(summary: impl Into<Cow<'static, str>>) -> Self {
        Self::part(summary.into(), true)
    }

    /// Creates a judgement that has no data to judge by; its status is unknown.
    pub fn unknown(summary: impl Into<Cow<'static, str>>) -> Self {
        Self::part(summary.into(), false)
    }

    fn part(summary: Cow<'static, str>, is_known: bool) -> Self {
        let component = String::new();
        let part = Part { component, summary, is_known, findings: Vec::new(), floor: 0 };
        Self { nothing: Cow::Borrowed(""), parts: vec![part], floor: 0 }
    }

    /// Joins the judgements of a topic's instances, by name.
    ///
    /// Without instances the topic is unknown, with `nothing` as its summary.
    pub fn of_instances<N: Into<String>>(
        nothing: impl Into<Cow<'static, str>>,
        instances: impl IntoIterator<Item = (N, Judgement)>,
    ) -> Self {
        let mut parts = Vec::new();
        for (name, judgement) in instances {
            let name = name.into();
            parts.extend(judgement.parts.into_iter().map(|mut part| {
                part.component.clone_from(&name);
                part
            }));
        }
        Self { nothing: nothing.into(), parts, floor: 0 }
    }

    /// Adds a finding about the topic, or about the last of its instances.
    ///
    /// Without an instance it is about the topic, so that a monitor can report that there is none.
    pub fn with(mut self, finding: Finding) -> Self {
        if self.parts.is_empty() {
            self.parts = Self::part(self.nothing.clone(), true).at_least(self.floor).parts;
        }
        if let Some(part) = self.parts.last_mut() {
            part.is_known = true;
            part.findings.push(finding);
        }
        self
    }

    /// Adds several findings, each as [`Self::with`] does.
    pub fn with_all(self, findings: impl IntoIterator<Item = Finding>) -> Self {
        findings.into_iter().fold(self, Self::with)
    }

    /// Limits the loss of points: a known score is at least `score`, 0 by default and 100 at most.
    ///
    /// For resources that a service can do without.
    ///
    /// ```
    /// use node0_metrics_core::{DEGRADED_FROM, Finding, Judgement, Status};
    ///
    /// let dead = Judgement::healthy("").with(Finding::critical("dead").penalty(90));
    /// let optional = dead.at_least(DEGRADED_FROM).assess();
    /// assert_eq!((optional.status, optional.findings.len()), (Status::Degraded, 1));
    /// ```
    pub fn at_least(mut self, score: u8) -> Self {
        self.floor = score.min(100);
        for part in &mut self.parts {
            part.floor = self.floor;
        }
        self
    }

    /// Folds the judgement into one assessment: the worst instance's score, with all findings.
    pub fn assess(self) -> Assessment {
        self.fold("").assessment
    }

    /// Folds as [`Self::assess`] does, and also each instance by itself.
    ///
    /// Findings without a component get the instance's name, or `topic`.
    pub(crate) fn fold(self, topic: &str) -> Folded {
        let Self { nothing, parts, floor: _ } = self;
        let mut components: Vec<_> = parts.into_iter().map(|part| part.assess(topic)).collect();
        let assessments = components.iter().map(|component| component.assessment.clone());
        let worst = assessments.reduce(Assessment::worst);
        components.retain(|component| !component.name.is_empty());
        let assessment = worst.unwrap_or_else(|| Assessment::unknown(nothing));
        Folded { assessment, components }
    }
}

impl Part {
    fn assess(self, topic: &str) -> ComponentHealth {
        let Self { component: name, summary, is_known, mut findings, floor } = self;
        let about = if name.is_empty() { topic } else { &name };
        for finding in findings.iter_mut().filter(|finding| finding.component.is_empty()) {
            about.clone_into(&mut finding.component);
        }
        let assessment = match is_known {
            true => Assessment::of(summary, findings).at_least(floor),
            false => Assessment::unknown(summary),
        };
        ComponentHealth { name, assessment }
    }
}
