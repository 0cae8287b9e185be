//! The findings of one topic as of its last judgement, to tell which came and which went.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::clock::Timestamp;
use crate::judging::finding::{Finding, FindingChange, FindingState};
use crate::judging::topic::Topic;

#[derive(Debug, Default)]
pub(crate) struct Raised {
    /// By component and code, with the time of the tick that found each first.
    findings: BTreeMap<(String, &'static str), (Finding, Timestamp)>,
}

impl Raised {
    /// Moves on to the findings of a judgement, and returns what changed.
    pub(crate) fn follow(
        &mut self,
        topic: &'static Topic,
        found: &[Finding],
        at: Timestamp,
    ) -> Vec<FindingChange> {
        let mut before = std::mem::take(&mut self.findings);
        let mut changes = Vec::new();
        let change = |state, finding, since| FindingChange { topic, state, finding, since };
        for finding in found {
            let key = (finding.component.clone(), finding.code);
            // A judgement that finds one thing twice says nothing more by it.
            let Entry::Vacant(place) = self.findings.entry(key) else { continue };
            let since = before.remove(place.key()).map(|(_, since)| since);
            if since.is_none() {
                changes.push(change(FindingState::Raised, finding.clone(), at));
            }
            place.insert((finding.clone(), since.unwrap_or(at)));
        }
        let gone = before.into_values();
        changes.extend(gone.map(|(last, since)| change(FindingState::Cleared, last, since)));
        changes
    }
}
