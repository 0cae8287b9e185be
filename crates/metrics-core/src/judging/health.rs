//! The published health of each topic and of all topics together, with hysteresis.
//!
//! A single bad tick should not change the status. So a topic keeps its published judgement,
//! also called *believed*, until a different status has lasted for some ticks and some time.

use std::time::Duration;

use serde::Serialize;

use crate::judging::assessment::Assessment;
use crate::judging::judgement::Folded;
use crate::judging::status::Status;
use crate::judging::topic::Topic;

/// The health of all topics together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Overall {
    /// The status that follows from the score.
    pub status: Status,
    /// The weighted mean of the known scores, 0 to 100, at most the lowest score of a required
    /// topic; `None` if no score is known.
    pub score: Option<u8>,
}

impl Overall {
    pub(crate) fn of<'a>(topics: impl IntoIterator<Item = &'a TopicHealth>) -> Self {
        let (mut sum, mut weight, mut cap) = (0, 0, None);
        for TopicHealth { topic, assessment, .. } in topics {
            let Some(score) = assessment.score else {
                continue;
            };
            sum += u64::from(score) * u64::from(topic.weight);
            weight += u64::from(topic.weight);
            if topic.required {
                cap = Some(cap.map_or(score, |cap: u8| cap.min(score)));
            }
        }
        let mean = sum.checked_div(weight).map(|mean| u8::try_from(mean).unwrap_or(100));
        // The cap stands alone where nothing that is known has a weight.
        let score = mean.into_iter().chain(cap).min();
        Self { status: Status::of(score), score }
    }
}

/// The time that a new status must last before it is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hysteresis {
    /// The number of ticks in a row.
    pub(crate) ticks: u32,
    /// The duration, which matters where ticks are short.
    pub(crate) lasting: Duration,
}

/// The published health of a topic, after hysteresis.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicHealth {
    /// The topic.
    pub topic: &'static Topic,
    /// The published health of all its instances together.
    pub assessment: Assessment,
    /// The health of each instance in that judgement, by its name.
    pub components: Vec<ComponentHealth>,
    pending: Option<Pending>,
}

/// The health of one instance of a topic.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ComponentHealth {
    /// The instance's name.
    pub name: String,
    /// Its health.
    pub assessment: Assessment,
}

/// Consecutive ticks that were all worse than the published status, or all better.
#[derive(Clone, Debug)]
struct Pending {
    /// The judgement nearest to the published status, which each of these ticks reached.
    nearest: Folded,
    /// The number of these ticks.
    ticks: u32,
    since: Duration,
}

impl TopicHealth {
    /// Publishes a topic's first judgement at once.
    pub(crate) fn first(topic: &'static Topic, judgement: Folded) -> Self {
        let Folded { assessment, components } = judgement;
        Self { topic, assessment, components, pending: None }
    }

    /// Returns the health of the topic once nothing judges it any more.
    pub(crate) fn out_of_date(&self) -> Self {
        let assessment = Assessment::unknown(
            "sampling stands still: the last judgement is older than three ticks",
        );
        Self { topic: self.topic, assessment, components: Vec::new(), pending: None }
    }

    /// Applies a tick's judgement; a change of status is published once it has lasted.
    ///
    /// A topic that alternates between degraded and unhealthy is published as degraded, which it
    /// was in every tick.
    ///
    /// Returns the previous status if the published one changed. A change from or to unknown is
    /// published at once, since it reports that data came or ended, and cannot flap with load.
    pub(crate) fn update(
        &mut self,
        judgement: Folded,
        now: Duration,
        rule: Hysteresis,
    ) -> Option<Status> {
        let (before, new) = (self.assessment.status, judgement.assessment.status);
        let settled = before == new || before == Status::Unknown || new == Status::Unknown;
        let (row, mut latest) = (self.pending.take(), Vec::new());
        let believed = if settled {
            judgement
        } else {
            latest.clone_from(&judgement.components);
            let row = Pending::follow(row, before, judgement, now);
            if row.ticks < rule.ticks || now.saturating_sub(row.since) < rule.lasting {
                self.pending = Some(row);
                self.add_new(latest);
                return None;
            }
            row.nearest
        };
        Folded { assessment: self.assessment, components: self.components } = believed;
        self.add_new(latest);
        (before != self.assessment.status).then_some(before)
    }

    /// Adds the instances that the published judgement does not have, without waiting.
    fn add_new(&mut self, components: Vec<ComponentHealth>) {
        for component in components {
            if self.component(&component.name).is_none() {
                self.components.push(component);
            }
        }
    }

    /// Returns the health of one instance; `None` if the published judgement does not have it.
    pub fn component(&self, name: &str) -> Option<&Assessment> {
        let component = self.components.iter().find(|component| component.name == name)?;
        Some(&component.assessment)
    }

    /// Returns the worst health of some instances with the findings of all; unknown if none was judged.
    pub fn worst_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Assessment {
        let judged = names.into_iter().filter_map(|name| self.component(name)).cloned();
        judged.reduce(Assessment::worst).unwrap_or_else(|| Assessment::unknown("not judged yet"))
    }
}

impl Pending {
    /// Adds a tick, or begins anew if its judgement is on the other side of `believed`.
    fn follow(row: Option<Self>, believed: Status, judgement: Folded, now: Duration) -> Self {
        let severity = |folded: &Folded| folded.assessment.status.severity();
        let is_worse = |folded: &Folded| severity(folded) > believed.severity();
        let distance = |folded: &Folded| severity(folded).abs_diff(believed.severity());
        match row {
            Some(row) if is_worse(&row.nearest) == is_worse(&judgement) => {
                let is_nearest = distance(&judgement) <= distance(&row.nearest);
                let nearest = if is_nearest { judgement } else { row.nearest };
                Self { nearest, ticks: row.ticks.saturating_add(1), since: row.since }
            }
            _ => Self { nearest: judgement, ticks: 1, since: now },
        }
    }
}

#[cfg(test)]
mod tests;
