//! One alert over time: its state, what was told about it, and what holds it back.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Alert, AlertCause, AlertChange, AlertState, HeldBack, HeldReason, Labels, Timestamp,
};

use crate::facts::{Facts, SEVERITY};
use crate::life::{Life, Phase, Seen, Times};
use crate::rule::Rule;
use crate::settings::Settings;
use crate::silence::Silence;
use crate::template;

/// A resolved alert that fires again within this time flaps; after it, it is forgotten.
const FLAP_MEMORY: Duration = Duration::from_secs(3600);
/// The longest time for which a flapping alert is kept from being resolved.
const MAX_HOLD: Duration = Duration::from_secs(3600);
/// The time for which the end of an alert is repeated.
const REPEAT_RESOLVED: Duration = Duration::from_secs(15 * 60);
/// The least time for which an inhibition goes on after its cause has ended: the rates of the
/// alert that it holds back still contain the time of the cause.
const INHIBITION_LINGERS: Duration = Duration::from_secs(15);
/// A receiver may take an alert as resolved after this many intervals without news.
const EXPIRES_AFTER: u32 = 4;

/// The moment of an evaluation, by three clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// The engine's clock, which decides states.
    pub(crate) steady: Duration,
    /// The registry's clock, which decides when news are repeated.
    pub(crate) uptime: Duration,
    /// The wall time, which is shown.
    pub(crate) wall: Timestamp,
}

/// Since when an alert has been active, for the alert that goes on from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    life: Life,
    active_at: Timestamp,
}

/// An alert that is or was active.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// The labels that tell it from the other alerts of its rule.
    own_labels: Labels,
    /// All labels, without `alertname`.
    labels: Labels,
    /// `None` while it is inactive.
    life: Option<Life>,
    facts: Facts,
    active_at: Timestamp,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    /// The uptime of the last time that it was resolved.
    resolved: Option<Duration>,
    /// The number of times in a row that it fired again soon after it was resolved.
    flaps: u32,
    /// The uptime at which news of it were last sent; `None` if it is not announced.
    told: Option<Duration>,
    /// The time on the steady clock until which an inhibition lingers.
    inhibited_until: Duration,
    alert: Arc<Alert>,
}

impl Tracked {
    /// Begins to track an alert whose condition holds for the first time.
    pub(crate) fn new(own_labels: &Labels, facts: Facts, now: Now) -> Self {
        Self {
            own_labels: own_labels.clone(),
            labels: Labels::default(),
            life: None,
            facts,
            active_at: now.wall,
            starts_at: None,
            ends_at: None,
            resolved: None,
            flaps: 0,
            told: None,
            inhibited_until: Duration::ZERO,
            alert: Arc::new(Alert::new("", [])),
        }
    }

    /// Takes in what an evaluation saw.
    pub(crate) fn step(
        &mut self,
        rule: &Rule,
        seen: Seen,
        facts: Option<&Facts>,
        now: Now,
        settings: &Settings,
    ) {
        if let Some(facts) = facts {
            self.update(rule, facts, settings);
        }
        let before = self.phase();
        self.life = Life::next(self.life, seen, now.steady, self.times(rule, settings));
        let after = self.phase();
        let is_new = |phase: Option<Phase>| matches!(phase, None | Some(Phase::Resolved));
        if is_new(before) && !is_new(after) {
            (self.active_at, self.starts_at, self.ends_at) = (now.wall, None, None);
            self.told = None;
        }
        if before != Some(Phase::Firing) && after == Some(Phase::Firing) {
            self.starts_at = Some(now.wall);
            let is_soon = |resolved: Duration| now.uptime.saturating_sub(resolved) < FLAP_MEMORY;
            self.flaps =
                if self.resolved.is_some_and(is_soon) { self.flaps.saturating_add(1) } else { 0 };
        }
        if before == Some(Phase::Firing) && after == Some(Phase::Resolved) {
            self.ends_at = Some(now.wall);
            self.resolved = Some(now.uptime);
        }
    }

    /// Returns since when the alert has been active, if it is.
    pub(crate) fn begun(&self) -> Option<Begun> {
        let life = self.life.filter(|_| self.is_active())?;
        Some(Begun { life: life.pending(), active_at: self.active_at })
    }

    /// Goes on with what another alert has begun: a finding that became worse has lasted since it
    /// was first seen.
    pub(crate) fn go_on(&mut self, begun: Begun) {
        self.life = Some(begun.life);
        (self.active_at, self.starts_at, self.ends_at) = (begun.active_at, None, None);
        self.told = None;
    }

    /// Takes in new facts; a firing alert keeps its severity and its labels, also if a reload
    /// changes those of the rule, since receivers know it by them.
    fn update(&mut self, rule: &Rule, facts: &Facts, settings: &Settings) {
        if self.is_firing() {
            self.facts = Facts { severity: self.facts.severity, ..facts.clone() };
            return;
        }
        self.facts = facts.clone();
        let own = rule.labels.iter().map(|(key, value)| (&**key, &**value));
        let severity = (SEVERITY, facts.severity.word());
        // The last of equal keys wins.
        let pairs = settings.labels.iter().chain(self.own_labels.iter()).chain([severity]);
        self.labels = Labels::new(pairs.chain(own));
    }

    /// Ends the alert at once, as its rule was removed.
    pub(crate) fn end(&mut self, now: Now) {
        if self.is_firing() {
            (self.ends_at, self.resolved) = (Some(now.wall), Some(now.uptime));
            self.life = self.life.map(Life::resolved);
        } else if self.is_active() {
            self.life = None;
        }
    }

    /// Returns the times of the rule, with the hold time that the number of flaps asks for.
    fn times(&self, rule: &Rule, settings: &Settings) -> Times {
        Times {
            lasting: settings.capped(rule.lasting),
            hold: self.hold(rule, settings),
            stale: settings.stale_after,
        }
    }

    /// Doubles the hold time with each flap, from the rule's `for` on, up to an hour.
    fn hold(&self, rule: &Rule, settings: &Settings) -> Duration {
        let keep = settings.capped(rule.keep_firing_for);
        let Some(doublings) = self.flaps.checked_sub(1) else { return keep };
        let first = keep.max(settings.capped(rule.lasting)).max(settings.interval);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        first.saturating_mul(factor).min(settings.capped(MAX_HOLD).max(keep))
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.life.map(|life| life.phase)
    }

    pub(crate) fn is_firing(&self) -> bool {
        self.phase() == Some(Phase::Firing)
    }

    /// Returns `true` if the alert counts against the cap of its rule.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.phase(), Some(Phase::Pending | Phase::Firing))
    }

    /// Returns the topic and the component, by which alerts inhibit each other.
    pub(crate) fn subject(&self) -> (&str, &str) {
        (&self.facts.topic, &self.facts.component)
    }

    /// Returns `true` if nothing of the alert has to be remembered.
    pub(crate) fn is_forgotten(&self, now: Now) -> bool {
        let is_past = |resolved: Duration| now.uptime.saturating_sub(resolved) >= FLAP_MEMORY;
        !self.is_active() && self.resolved.is_none_or(is_past)
    }

    /// Ends the evaluation: writes the alert anew, and returns the news that are due, if any.
    pub(crate) fn conclude(
        &mut self,
        rule: &Rule,
        suppressed: Vec<HeldBack>,
        now: Now,
        settings: &Settings,
    ) -> Option<AlertChange> {
        let life = self.life?;
        self.cut_future_times(now.wall);
        let is_suppressed = !suppressed.is_empty();
        let mut alert = self.written(life.phase, rule, now, settings);
        alert.held_back = suppressed;
        alert.held_back.extend(self.held_from_resolving(life, rule, now, settings));
        self.alert = Arc::new(alert);
        let cause = self.due(life.phase, is_suppressed, now, settings)?;
        self.told = Some(now.uptime);
        Some(AlertChange::new(cause, self.alert.clone()))
    }

    /// Moves times that lie in the future to now, as they do after the wall clock was set back.
    ///
    /// Alertmanager refuses an alert that starts after it expires, and takes one for firing until its
    /// end has come.
    fn cut_future_times(&mut self, wall: Timestamp) {
        self.active_at = self.active_at.min(wall);
        self.starts_at = self.starts_at.map(|start| start.min(wall));
        self.ends_at = self.ends_at.map(|end| end.min(wall));
    }

    /// Returns the alert as it was last written, if it is pending, firing or resolved.
    pub(crate) fn alert(&self) -> Option<&Arc<Alert>> {
        self.life.map(|_| &self.alert)
    }

    /// Returns the alert if it was resolved at this evaluation.
    pub(crate) fn resolved_at(&self, now: Now) -> Option<&Arc<Alert>> {
        let is_new = self.phase() == Some(Phase::Resolved) && self.resolved == Some(now.uptime);
        is_new.then_some(&self.alert)
    }

    /// Returns the kind of news that is due, if any.
    ///
    /// An alert that was announced stays so: what suppresses it later does not keep its end from
    /// being told.
    fn due(
        &self,
        phase: Phase,
        is_suppressed: bool,
        now: Now,
        settings: &Settings,
    ) -> Option<AlertCause> {
        let resend_after = settings.resend_after();
        let is_due = |told: Duration| now.uptime.saturating_sub(told) >= resend_after;
        match (phase, self.told, self.resolved) {
            (Phase::Firing, None, _) if !is_suppressed => Some(AlertCause::Fired),
            (Phase::Firing, Some(told), _) if is_due(told) => Some(AlertCause::Repeated),
            (Phase::Resolved, Some(told), Some(resolved)) if told < resolved => {
                Some(AlertCause::Resolved)
            }
            (Phase::Resolved, Some(told), Some(resolved)) => {
                let is_recent = now.uptime.saturating_sub(resolved) < REPEAT_RESOLVED;
                (is_due(told) && is_recent).then_some(AlertCause::Repeated)
            }
            _ => None,
        }
    }

    fn written(&self, phase: Phase, rule: &Rule, now: Now, settings: &Settings) -> Alert {
        let facts = &self.facts;
        let text = |template: &str| template::render(template, |name| self.placeholder(name));
        let mut alert = Alert::new(&rule.name, self.labels.iter());
        alert.state = match phase {
            Phase::Pending => AlertState::Pending,
            Phase::Firing => AlertState::Firing,
            Phase::Resolved => AlertState::Resolved,
        };
        alert.severity = facts.severity;
        (alert.topic, alert.component) = (facts.topic.clone(), facts.component.clone());
        (alert.value, alert.threshold, alert.unit) = (facts.value, facts.threshold, facts.unit);
        alert.active_at = self.active_at;
        (alert.starts_at, alert.ends_at) = (self.starts_at, self.ends_at);
        let ahead = settings.resend_after().saturating_mul(EXPIRES_AFTER);
        alert.expires_at = self.ends_at.unwrap_or(later(now.wall, ahead));
        alert.message = text(&rule.summary);
        alert.description = text(&rule.description);
        alert.remedy = text(&rule.remedy);
        alert.runbook = text(&rule.runbook);
        alert
    }

    /// Returns the text of a placeholder.
    fn placeholder(&self, name: &str) -> Option<Cow<'_, str>> {
        let facts = &self.facts;
        Some(match name {
            "value" => template::number(facts.value, facts.unit).into(),
            "threshold" => template::number(facts.threshold, facts.unit).into(),
            "topic" => facts.topic.as_str().into(),
            "component" => facts.component.as_str().into(),
            "code" => facts.code.as_str().into(),
            "message" => facts.message.as_str().into(),
            "advice" => facts.advice.as_str().into(),
            label => self.labels.get(label)?.into(),
        })
    }

    /// Returns why a firing alert is not resolved although its condition is not known to hold.
    fn held_from_resolving(
        &self,
        life: Life,
        rule: &Rule,
        now: Now,
        settings: &Settings,
    ) -> Option<HeldBack> {
        let times = self.times(rule, settings);
        let (reason, until) = match (life.held_until(times), life.stale_at(times)) {
            (Some(until), _) if self.flaps > 0 => (HeldReason::Flapping, until),
            (Some(until), _) => (HeldReason::KeptFiring, until),
            (None, Some(until)) if life.phase != Phase::Resolved => (HeldReason::NoData, until),
            _ => return None,
        };
        let until = later(now.wall, until.saturating_sub(now.steady));
        Some(HeldBack { reason, by: String::new(), until: Some(until) })
    }

    /// Returns the inhibition by the named alert, or one that lingers.
    ///
    /// Without lingering, an alert would fire for the seconds between the end of its cause and its
    /// own end.
    pub(crate) fn inhibition(
        &mut self,
        by: Option<&str>,
        rule: &Rule,
        now: Now,
        settings: &Settings,
    ) -> Option<HeldBack> {
        if by.is_some() {
            let lingers = settings.capped(rule.lasting).max(INHIBITION_LINGERS);
            self.inhibited_until = now.steady.saturating_add(lingers);
        } else if self.inhibited_until <= now.steady {
            return None;
        }
        let by = by.unwrap_or_default().to_owned();
        let left = self.inhibited_until.saturating_sub(now.steady);
        let until = by.is_empty().then(|| later(now.wall, left));
        Some(HeldBack { reason: HeldReason::Inhibited, by, until })
    }

    /// Returns the hold-back by a silence that matches.
    pub(crate) fn silenced(&self, rule: &Rule, silences: &[Arc<Silence>]) -> Option<HeldBack> {
        let silence =
            silences.iter().find(|silence| silence.matches(rule, &self.labels, self.subject()))?;
        let (by, until) = (silence.id.clone(), Some(silence.ends_at));
        Some(HeldBack { reason: HeldReason::Silenced, by, until })
    }
}

fn later(wall: Timestamp, by: Duration) -> Timestamp {
    let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(wall.as_millis().saturating_add(millis))
}
