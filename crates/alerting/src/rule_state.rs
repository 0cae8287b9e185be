//! A rule with its alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use node0_metrics_core::Labels;

use crate::facts::{self, Observed};
use crate::hourly_mean::HourlyMean;
use crate::life::Seen;
use crate::measure::Trusted;
use crate::missing::missing;
use crate::rule::Rule;
use crate::settings::Settings;
use crate::tracked::{Begun, Now, Tracked};

#[derive(Debug)]
pub(crate) struct RuleState {
    pub(crate) rule: Arc<Rule>,
    /// `true` if the rule was removed: its alerts are resolved, and their end is repeated.
    pub(crate) is_retired: bool,
    pub(crate) tracked: BTreeMap<Labels, Tracked>,
    means: BTreeMap<Labels, HourlyMean>,
    /// The number of alerts that the last evaluation left out because of the cap.
    pub(crate) left_out: usize,
    /// The name that the service did not have at the last evaluation.
    pub(crate) missing: Option<String>,
}

impl RuleState {
    pub(crate) fn new(rule: Arc<Rule>) -> Self {
        Self {
            rule,
            is_retired: false,
            tracked: BTreeMap::new(),
            means: BTreeMap::new(),
            left_out: 0,
            missing: None,
        }
    }

    /// Returns `true` if the rule is evaluated.
    pub(crate) fn is_live(&self) -> bool {
        self.rule.is_enabled && !self.is_retired
    }

    /// Observes the condition; `trusted` is `None` if no data can be trusted.
    pub(crate) fn observe<'s>(
        &mut self,
        trusted: Option<Trusted<'s>>,
        covered: &[(&str, &str)],
    ) -> Observed<'s> {
        let Some(trusted) = trusted else { return Observed::nothing() };
        self.missing = missing(&self.rule.condition, trusted.sample);
        let tracked = &self.tracked;
        let is_firing = |labels: &Labels| tracked.get(labels).is_some_and(Tracked::is_firing);
        facts::observe(&self.rule, trusted, &mut self.means, covered, is_firing)
    }

    /// Moves all alerts of the rule on by one evaluation.
    pub(crate) fn step(&mut self, observed: &Observed<'_>, now: Now, settings: &Settings) {
        let active = self.tracked.values().filter(|one| one.is_active()).count();
        let mut places = settings.max_alerts.saturating_sub(active);
        self.left_out = 0;
        let mut refused = BTreeSet::new();
        for (labels, facts) in &observed.holds {
            if self.tracked.get(labels).is_some_and(Tracked::is_active) {
                continue;
            }
            if places == 0 {
                self.left_out += 1;
                refused.insert(labels);
                continue;
            }
            places -= 1;
            let begun = self.begun_at_other_severity(labels, observed);
            let new = || Tracked::new(labels, facts.clone(), now);
            let tracked = self.tracked.entry(labels.clone()).or_insert_with(new);
            if let Some(begun) = begun {
                tracked.go_on(begun);
            }
        }
        for (labels, tracked) in &mut self.tracked {
            let seen = if refused.contains(labels) { Seen::Clear } else { observed.seen(labels) };
            tracked.step(&self.rule, seen, observed.holds.get(labels), now, settings);
        }
    }

    /// Returns since when the finding of an alert has been active at the other severity, which it
    /// has left now.
    ///
    /// The alert at that severity is resolved like any other if it fires, and forgotten if it does not.
    fn begun_at_other_severity(
        &mut self,
        labels: &Labels,
        observed: &Observed<'_>,
    ) -> Option<Begun> {
        let other = facts::at_other_severity(labels)?;
        let left = self.tracked.get(&other).filter(|_| !observed.holds.contains_key(&other))?;
        let begun = left.begun()?;
        if !left.is_firing() {
            self.tracked.remove(&other);
        }
        Some(begun)
    }

    /// Resolves all alerts of a retired rule.
    pub(crate) fn retire(&mut self, now: Now) {
        self.tracked.values_mut().for_each(|tracked| tracked.end(now));
    }

    /// Drops the alerts of which nothing has to be remembered.
    pub(crate) fn forget(&mut self, now: Now) {
        self.tracked.retain(|_, tracked| !tracked.is_forgotten(now));
    }
}
