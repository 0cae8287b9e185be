//! The engine: takes samples, keeps the alerts, and says what is new.
//!
//! It has no lock, no thread and no clock of its own: whoever calls it gives it a sample, and the
//! same samples give the same alerts.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{Alert, AlertChange, AlertState, Sample, Timestamp};

use crate::facts::Observed;
use crate::measure::Trusted;
use crate::overview::{Overview, RuleStatus};
use crate::rule::Rule;
use crate::rule_state::RuleState;
use crate::settings::Settings;
use crate::silence::{PlannedSilence, Silence};
use crate::steady_clock::{SteadyClock, Step};
use crate::tracked::Now;

/// The number of resolved alerts that are kept to be shown.
const RECENT: usize = 100;
/// The most silences; a further one replaces the one that ends first.
const MAX_SILENCES: usize = 1000;

/// Rules, their alerts, and the silences.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) settings: Settings,
    rules: Vec<RuleState>,
    /// The silences of callers.
    silences: Vec<Arc<Silence>>,
    /// Those of the rules file, also ended ones, so that reading it again does not begin them anew.
    of_file: Vec<(PlannedSilence, Arc<Silence>)>,
    /// The number of silences that were made, from which their ids are.
    made: u64,
    /// The alerts that were resolved last, newest first.
    recent: VecDeque<Arc<Alert>>,
    clock: SteadyClock,
    evaluated_at: Option<Timestamp>,
    /// The time that the last evaluation took.
    pub(crate) took: Duration,
}

impl Engine {
    /// Creates an engine with rules that were checked.
    pub(crate) fn new(settings: Settings, rules: Vec<Rule>) -> Self {
        let rules = rules.into_iter().map(|rule| RuleState::new(Arc::new(rule))).collect();
        Self {
            settings,
            rules,
            silences: Vec::new(),
            of_file: Vec::new(),
            made: 0,
            recent: VecDeque::new(),
            clock: SteadyClock::default(),
            evaluated_at: None,
            took: Duration::ZERO,
        }
    }

    /// Replaces the rules by others that were checked.
    ///
    /// Alerts of a rule that keeps its name go on; those of a rule that is gone are resolved.
    pub(crate) fn replace(&mut self, rules: Vec<Rule>) {
        let mut before = std::mem::take(&mut self.rules);
        for rule in rules {
            let known = before.iter().position(|state| state.rule.name == rule.name);
            let mut state = match known {
                Some(at) => before.swap_remove(at),
                None => RuleState::new(Arc::new(rule.clone())),
            };
            (state.rule, state.is_retired) = (Arc::new(rule), false);
            self.rules.push(state);
        }
        before.sort_by(|a, b| a.rule.name.cmp(&b.rule.name));
        before.iter_mut().for_each(|state| state.is_retired = true);
        self.rules.append(&mut before);
    }

    /// Evaluates all rules, if the interval has passed; returns the news.
    pub(crate) fn evaluate(&mut self, sample: &Sample) -> Option<Vec<AlertChange>> {
        let (steady, trusted) = match self.clock.advance(sample, self.settings.interval) {
            Step::Wait => return None,
            Step::Evaluate(now) => {
                let longest_window = self.clock.longest_window(sample);
                (now, Some(Trusted { sample, longest_window }))
            }
            Step::Blind(now) => (now, None),
        };
        let now = Now { steady, uptime: sample.uptime, wall: sample.at };
        self.evaluated_at = Some(sample.at);
        self.silences.retain(|silence| silence.ends_at > sample.at);
        self.step(trusted, now);
        let changes = self.conclude(now);
        self.remember(now);
        for state in &mut self.rules {
            state.forget(now);
        }
        self.rules.retain(|state| !state.is_retired || !state.tracked.is_empty());
        Some(changes)
    }

    fn step(&mut self, trusted: Option<Trusted<'_>>, now: Now) {
        let rules: Vec<_> = self.rules.iter().map(|state| state.rule.clone()).collect();
        let covered = rules.iter().filter_map(|rule| rule.covers.as_ref());
        let covered: Vec<(&str, &str)> = covered.map(|(topic, code)| (&**topic, &**code)).collect();
        for state in &mut self.rules {
            if state.is_live() {
                let observed: Observed<'_> = state.observe(trusted, &covered);
                state.step(&observed, now, &self.settings);
            } else {
                state.retire(now);
            }
        }
    }

    /// Writes all alerts anew, and returns the news in the order of the rules.
    fn conclude(&mut self, now: Now) -> Vec<AlertChange> {
        let firing = self.firing();
        let (settings, silences) = (&self.settings, &self.silences_at(now.wall));
        let mut changes = Vec::new();
        for RuleState { rule, tracked, .. } in &mut self.rules {
            for one in tracked.values_mut() {
                let (topic, component) = one.subject();
                let is_cause = |name: &&str| {
                    firing.contains(&((*name).to_owned(), topic.to_owned(), component.to_owned()))
                };
                let cause = rule.inhibited_by.iter().map(|name| &**name).find(is_cause);
                let inhibited = one.inhibition(cause, rule, now, settings);
                let silenced = one.silenced(rule, silences);
                let suppressed = inhibited.into_iter().chain(silenced).collect();
                changes.extend(one.conclude(rule, suppressed, now, settings));
            }
        }
        changes
    }

    /// Returns the rule, the topic and the component of each firing alert.
    fn firing(&self) -> BTreeSet<(String, String, String)> {
        let each = self.rules.iter().flat_map(|state| {
            let firing = state.tracked.values().filter(|one| one.is_firing());
            firing.map(|one| (state.rule.name.to_string(), one.subject()))
        });
        each.map(|(name, (topic, component))| (name, topic.to_owned(), component.to_owned()))
            .collect()
    }

    /// Keeps the alerts that were resolved at this evaluation.
    fn remember(&mut self, now: Now) {
        let tracked = self.rules.iter().flat_map(|state| state.tracked.values());
        for alert in tracked.filter_map(|one| one.resolved_at(now)) {
            self.recent.push_front(alert.clone());
        }
        self.recent.truncate(RECENT);
    }

    /// Adds a silence and returns its id; at most a thousand are kept.
    pub(crate) fn silence(&mut self, planned: &PlannedSilence, now: Timestamp) -> String {
        let silence = self.begin(planned, now);
        let id = silence.id.clone();
        self.silences.push(silence);
        if self.silences.len() > MAX_SILENCES {
            self.silences.sort_by_key(|silence| silence.ends_at);
            self.silences.remove(0);
        }
        id
    }

    /// Replaces the silences of the rules file; those that it had before go on.
    pub(crate) fn plan(&mut self, planned: Vec<PlannedSilence>, now: Timestamp) {
        let before = std::mem::take(&mut self.of_file);
        for one in planned {
            let known = before.iter().find(|(known, _)| *known == one);
            let silence = known.map(|(_, silence)| silence.clone());
            let silence = silence.unwrap_or_else(|| self.begin(&one, now));
            self.of_file.push((one, silence));
        }
    }

    fn begin(&mut self, planned: &PlannedSilence, now: Timestamp) -> Arc<Silence> {
        self.made += 1;
        Arc::new(planned.begin(format!("silence-{}", self.made), now))
    }

    /// Ends a silence; returns `false` if none with this id is in effect.
    pub(crate) fn unsilence(&mut self, id: &str) -> bool {
        let is_known = self.silences_at(self.wall()).iter().any(|silence| silence.id == id);
        self.silences.retain(|silence| silence.id != id);
        for (_, silence) in self.of_file.iter_mut().filter(|(_, silence)| silence.id == id) {
            *silence = Arc::new(Silence { ends_at: silence.starts_at, ..(**silence).clone() });
        }
        is_known
    }

    /// Returns the silences that have not ended.
    fn silences_at(&self, now: Timestamp) -> Vec<Arc<Silence>> {
        let all = self.silences.iter().chain(self.of_file.iter().map(|(_, silence)| silence));
        all.filter(|silence| silence.ends_at > now).cloned().collect()
    }

    /// The wall time of the last evaluation.
    fn wall(&self) -> Timestamp {
        self.evaluated_at.unwrap_or(Timestamp::from_millis(0))
    }

    /// Returns everything that surfaces show.
    pub(crate) fn overview(&self) -> Overview {
        let live = self.rules.iter().filter(|state| !state.is_retired);
        let rules: Vec<_> = live.map(|state| self.status(state)).collect();
        let mut active: Vec<_> = rules.iter().flat_map(|rule| rule.alerts.clone()).collect();
        // Firing before pending, critical before warnings, then the order of the rules.
        active.sort_by_key(|alert| {
            (alert.state != AlertState::Firing, std::cmp::Reverse(alert.severity))
        });
        Overview {
            at: self.evaluated_at,
            active,
            recent: self.recent.iter().cloned().collect(),
            silences: self.silences_at(self.wall()),
            rules,
            interval: self.settings.interval,
            took: self.took,
        }
    }

    fn status(&self, state: &RuleState) -> RuleStatus {
        let alerts = state.tracked.values().filter(|one| one.is_active());
        RuleStatus {
            rule: state.rule.clone(),
            lasting: self.settings.capped(state.rule.lasting),
            keep_firing_for: self.settings.capped(state.rule.keep_firing_for),
            alerts: alerts.filter_map(|one| one.alert()).cloned().collect(),
            left_out: state.left_out,
            missing: state.missing.clone(),
        }
    }
}
