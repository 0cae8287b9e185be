//! The findings of a topic's last judgement, to detect which are raised and which cleared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::clock::Timestamp;
use crate::judging::finding::{Finding, FindingChange, FindingState};
use crate::judging::topic::Topic;

#[derive(Debug, Default)]
pub(crate) struct Raised {
    /// Each finding with the time of the tick that raised it, by component and code.
    findings: BTreeMap<(String, &'static str), (Finding, Timestamp)>,
}

impl Raised {
    /// Replaces the findings by those of a new judgement, and returns the changes.
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
            // A duplicate within one judgement is ignored.
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
