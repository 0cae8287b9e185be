//! Health as it is published: of each topic, and over all of them.
//!
//! A single bad tick says little. So a topic keeps the judgement that was believed before until
//! another status has lasted for some ticks and some time.

use std::time::Duration;

use serde::Serialize;

use crate::judging::assessment::Assessment;
use crate::judging::judgement::Folded;
use crate::judging::status::Status;
use crate::judging::topic::Topic;

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

/// The rule for how long a new status must last to be believed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hysteresis {
    /// Ticks in a row.
    pub(crate) ticks: u32,
    /// And time, since ticks may be short.
    pub(crate) lasting: Duration,
}

/// The health of a topic that is published: the judgement that lasted long enough to be believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicHealth {
    /// The topic.
    pub topic: &'static Topic,
    /// The believed health over all its instances.
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

/// A status that differs from the believed one.
#[derive(Clone, Copy, Debug)]
struct Pending {
    status: Status,
    /// The ticks in a row that saw it.
    ticks: u32,
    since: Duration,
}

impl TopicHealth {
    /// Believes a first judgement at once.
    pub(crate) fn first(topic: &'static Topic, judgement: Folded) -> Self {
        let Folded { assessment, components } = judgement;
        Self { topic, assessment, components, pending: None }
    }

    /// Takes a tick's judgement; a change of status is believed once it has lasted.
    ///
    /// Returns the status before, when it changed. A status that was unknown, or becomes
    /// unknown, is believed at once: there is nothing to wait for.
    pub(crate) fn update(
        &mut self,
        judgement: Folded,
        now: Duration,
        rule: Hysteresis,
    ) -> Option<Status> {
        let Folded { assessment: new, components } = judgement;
        let before = self.assessment.status;
        let settled =
            before == new.status || before == Status::Unknown || new.status == Status::Unknown;
        if !settled {
            let same = self.pending.filter(|pending| pending.status == new.status);
            let (ticks, since) =
                same.map_or((1, now), |pending| (pending.ticks.saturating_add(1), pending.since));
            if ticks < rule.ticks || now.saturating_sub(since) < rule.lasting {
                self.pending = Some(Pending { status: new.status, ticks, since });
                self.add_new(components);
                return None;
            }
        }
        self.pending = None;
        (self.assessment, self.components) = (new, components);
        (before != self.assessment.status).then_some(before)
    }

    /// Adds the instances that the believed judgement does not know, which nothing speaks against.
    fn add_new(&mut self, components: Vec<ComponentHealth>) {
        for component in components {
            if self.component(&component.name).is_none() {
                self.components.push(component);
            }
        }
    }

    /// The health of one instance; `None` for one that the believed judgement does not know.
    pub fn component(&self, name: &str) -> Option<&Assessment> {
        let component = self.components.iter().find(|component| component.name == name)?;
        Some(&component.assessment)
    }

    /// The worst of some instances, with the findings of all; unknown where none was judged yet.
    pub fn worst_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Assessment {
        let judged = names.into_iter().filter_map(|name| self.component(name)).cloned();
        judged.reduce(Assessment::worst).unwrap_or_else(|| Assessment::unknown("not judged yet"))
    }
}

#[cfg(test)]
mod tests;
