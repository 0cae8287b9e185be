//! The alerts of a registry: the handle of the host, and the observer behind it.
//!
//! The engine is behind one lock, which an evaluation, a reload and a silence take. Surfaces do
//! not wait for it: each evaluation publishes an overview, and they read that.

use std::fmt;
#[cfg(feature = "toml")]
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    AlertChange, Clock, Event, Labels, Observer, RegisterError, Registry, Sample, lock,
};

use crate::built_in::built_in;
use crate::condition::Matcher;
use crate::engine::Engine;
use crate::metrics::{Metrics, Reload};
use crate::overview::Overview;
use crate::rule::{LABEL_RULE, Rule, RuleError, check_all, is_label_key};
#[cfg(feature = "toml")]
use crate::rules_file::{RulesFile, RulesFileError, load};
use crate::settings::Settings;
use crate::silence::{PlannedSilence, SilenceEnd};

/// The alerts of a registry; clones share them.
///
/// ```
/// use node0_alerting::{Alerts, Matcher, Metric, Rule};
/// use node0_metrics_core::{AlertState, Desc, ManualClock, Registry};
/// use std::time::Duration;
///
/// const QUEUE: Desc = Desc::gauge("queue_length", "Jobs that wait.").labels(&["queue"]);
/// let clock = ManualClock::new();
/// let registry = Registry::builder().clock(clock.clock()).build();
/// let mails = registry.gauge(&QUEUE, &["mails"])?;
///
/// let rule = Rule::new("QueueTooLong", Metric::new("queue_length").by(["queue"]).above(100.0))
///     .lasting(Duration::from_secs(2))
///     .summary("{queue} holds {value} jobs");
/// let alerts = Alerts::builder().rule(rule).register(&registry)?;
///
/// let mut ticker = registry.ticker()?;
/// mails.set(120.0);
/// for _ in 0..3 {
///     clock.advance(Duration::from_secs(1));
///     ticker.tick();
/// }
/// let overview = alerts.overview();
/// let [alert] = &overview.active[..] else { panic!("one alert is active") };
/// assert_eq!((alert.state, alert.message.as_str()), (AlertState::Firing, "mails holds 120 jobs"));
///
/// // Quiet for the next hour, while somebody works on it.
/// alerts.silence([Matcher::is("queue", "mails")], Duration::from_secs(3600), "more workers come");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Alerts {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Mutex<Engine>,
    published: Mutex<Arc<Overview>>,
    metrics: Metrics,
    clock: Clock,
    /// The rules of the code, to which a rules file is applied.
    #[cfg(feature = "toml")]
    of_code: Vec<Rule>,
}

/// Settings for [`Alerts`].
#[derive(Clone, Debug)]
#[must_use = "call `register` to get alerts"]
pub struct AlertingBuilder {
    rules: Vec<Rule>,
    settings: Settings,
    /// The edits of rules that no rule has the name for.
    unknown: Option<RuleError>,
    #[cfg(feature = "toml")]
    rules_file: Option<PathBuf>,
}

/// Alerts that could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertingError {
    /// A rule cannot work.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A label of all alerts has a key that no label can have.
    #[error("the alerts' label has the key `{key}`, {LABEL_RULE}")]
    Label {
        /// The key.
        key: String,
    },
    /// The rules file cannot be used.
    #[cfg(feature = "toml")]
    #[error(transparent)]
    File(#[from] RulesFileError),
    /// The registry refused the alerts' own metrics, or has alerts already.
    #[error("the alerts cannot be registered")]
    Register(#[source] RegisterError),
}

impl AlertingBuilder {
    /// Adds a rule, or replaces the one with its name.
    pub fn rule(mut self, rule: Rule) -> Self {
        match self.rules.iter_mut().find(|known| known.name == rule.name) {
            Some(known) => *known = rule,
            None => self.rules.push(rule),
        }
        self
    }

    /// Changes a rule, for example a built-in one.
    ///
    /// ```
    /// use node0_alerting::Alerts;
    /// use std::time::Duration;
    ///
    /// let builder = Alerts::builder()
    ///     .edit("HighP95Latency", |rule| rule.threshold(0.5).lasting(Duration::from_secs(60)))
    ///     .edit("LowCacheHitRate", |rule| rule.disabled());
    /// # let registry = node0_metrics_core::Registry::new();
    /// # builder.register(&registry)?;
    /// # Ok::<(), node0_alerting::AlertingError>(())
    /// ```
    pub fn edit(mut self, name: &str, edit: impl FnOnce(Rule) -> Rule) -> Self {
        match self.rules.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = edit(known.clone()),
            None => {
                let known: Vec<_> = self.rules.iter().map(|rule| &*rule.name).collect();
                let problem = format!("is no rule: name one of {}", known.join(", "));
                let rule = name.to_owned();
                self.unknown.get_or_insert(RuleError { rule, field: "name", problem });
            }
        }
        self
    }

    /// Takes these rules alone, without those that are built in.
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }

    /// Changes the rules by a [rules file](crate::apply_toml), which [`Self::register`] reads.
    #[cfg(feature = "toml")]
    pub fn rules_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.rules_file = Some(path.into());
        self
    }

    /// Shortens the `for` and the hold time of all rules to at most this, also for alerts that
    /// flap; not limited by default.
    ///
    /// It is for demonstrations and tests. In production a short `for` wakes people for nothing.
    pub fn longest_wait(mut self, time: Duration) -> Self {
        self.settings.longest_wait = Some(time);
        self
    }

    /// Evaluates the rules this often, at most once a tick; each second by default.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Repeats the news of an alert after this time; a minute by default.
    pub fn resend_after(mut self, time: Duration) -> Self {
        self.settings.resend_after = time;
        self
    }

    /// Ends alerts whose data are missing for this long; five minutes by default.
    pub fn stale_after(mut self, time: Duration) -> Self {
        self.settings.stale_after = time;
        self
    }

    /// Limits the active alerts of each rule; 100 by default. Further ones are left out and
    /// counted.
    pub fn max_alerts_per_rule(mut self, alerts: usize) -> Self {
        self.settings.max_alerts = alerts;
        self
    }

    /// Adds a label to all alerts, such as the name of the service or the instance.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        let labels = self.settings.labels.iter().chain([(key, value)]);
        self.settings.labels = Labels::new(labels);
        self
    }

    /// Registers the alerts as an observer of the registry, from the next tick on.
    ///
    /// # Errors
    /// [`AlertingError`] for a rule that cannot work, and if the registry has alerts already or
    /// its maximum of metric names.
    pub fn register(self, registry: &Registry) -> Result<Alerts, AlertingError> {
        let Self { rules, mut settings, unknown, .. } = self;
        let silences = Vec::new();
        #[cfg(feature = "toml")]
        let (of_code, rules, silences) = match self.rules_file {
            Some(path) => {
                let file = load(&rules, &path)?;
                (rules, file.rules, file.silences)
            }
            None => (rules.clone(), rules, silences),
        };
        if let Some(unknown) = unknown {
            return Err(unknown.into());
        }
        check_all(&rules)?;
        if let Some((key, _)) = settings.labels.iter().find(|(key, _)| !is_label_key(key)) {
            return Err(AlertingError::Label { key: key.to_owned() });
        }
        settings.interval = settings.interval.max(registry.tick_length());
        let mut engine = Engine::new(settings, rules);
        engine.plan(silences, registry.clock().wall());
        let shared = Shared {
            #[cfg(feature = "toml")]
            of_code,
            published: Mutex::new(Arc::new(engine.overview())),
            engine: Mutex::new(engine),
            metrics: Metrics::register(registry).map_err(AlertingError::Register)?,
            clock: registry.clock().clone(),
        };
        let alerts = Alerts { shared: Arc::new(shared) };
        registry.observe(Watch(alerts.clone())).map_err(AlertingError::Register)?;
        Ok(alerts)
    }
}

impl Alerts {
    /// Returns a builder with the [built-in rules](built_in) and the default settings.
    pub fn builder() -> AlertingBuilder {
        AlertingBuilder {
            rules: built_in(),
            settings: Settings::default(),
            unknown: None,
            #[cfg(feature = "toml")]
            rules_file: None,
        }
    }

    /// Returns all alerts, silences and rules as of the last evaluation.
    pub fn overview(&self) -> Arc<Overview> {
        lock(&self.shared.published).clone()
    }

    /// Does not announce matching alerts for a time; returns the id of the silence.
    ///
    /// An alert matches if its labels meet all conditions; `alertname`, `severity`, `topic` and
    /// `component` count as labels, and without any condition all alerts match. An alert that was
    /// announced before is still told to be resolved. At most a thousand silences are kept: a
    /// further one replaces the one that ends first.
    pub fn silence(
        &self,
        matchers: impl IntoIterator<Item = Matcher>,
        lasting: Duration,
        reason: impl Into<String>,
    ) -> String {
        let planned = PlannedSilence {
            matchers: matchers.into_iter().collect(),
            end: SilenceEnd::After(lasting),
            reason: reason.into(),
        };
        let now = self.shared.clock.wall();
        self.change(|engine| engine.silence(&planned, now))
    }

    /// Ends a silence; returns `false` if there is none with this id.
    ///
    /// One of a rules file stays ended for as long as the file has it unchanged.
    pub fn unsilence(&self, id: &str) -> bool {
        self.change(|engine| engine.unsilence(id))
    }

    /// Replaces all rules, with effect from the next evaluation on.
    ///
    /// Alerts of a rule that keeps its name go on; those of a rule that is gone are resolved.
    ///
    /// # Errors
    /// [`RuleError`] for a rule that cannot work; the rules before then stay in effect.
    pub fn reload(&self, rules: impl IntoIterator<Item = Rule>) -> Result<(), RuleError> {
        let rules: Vec<_> = rules.into_iter().collect();
        let checked = check_all(&rules);
        let outcome = if checked.is_ok() { Reload::Replaced } else { Reload::Refused };
        self.shared.metrics.reloads[outcome].inc();
        checked?;
        self.change(|engine| engine.replace(rules));
        Ok(())
    }

    /// Reads a [rules file](crate::apply_toml) and replaces all rules by those of the code, as the
    /// file changes them, and the silences by those of the file. Silences of callers stay.
    ///
    /// It reads the file on the calling thread: in async code call it by `spawn_blocking`.
    ///
    /// # Errors
    /// [`RulesFileError`] if the file cannot be read or has mistakes; the rules before then stay in
    /// effect.
    #[cfg(feature = "toml")]
    pub fn reload_file(&self, path: &Path) -> Result<(), RulesFileError> {
        let loaded = load(&self.shared.of_code, path);
        let outcome = if loaded.is_ok() { Reload::Replaced } else { Reload::Refused };
        self.shared.metrics.reloads[outcome].inc();
        let RulesFile { rules, silences } = loaded?;
        let now = self.shared.clock.wall();
        self.change(|engine| {
            engine.replace(rules);
            engine.plan(silences, now);
        });
        Ok(())
    }

    /// Changes the engine and publishes the result.
    fn change<T>(&self, change: impl FnOnce(&mut Engine) -> T) -> T {
        let mut engine = lock(&self.shared.engine);
        let result = change(&mut engine);
        *lock(&self.shared.published) = Arc::new(engine.overview());
        result
    }

    fn evaluate(&self, sample: &Sample) -> Vec<AlertChange> {
        let mut engine = lock(&self.shared.engine);
        let start = self.shared.clock.now();
        let Some(changes) = engine.evaluate(sample) else { return Vec::new() };
        engine.took = self.shared.clock.since(start);
        let overview = Arc::new(engine.overview());
        self.shared.metrics.show(&overview, &changes);
        *lock(&self.shared.published) = overview;
        changes
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overview = self.overview();
        f.debug_struct("Alerts")
            .field("rules", &overview.rules.len())
            .field("active", &overview.active.len())
            .finish_non_exhaustive()
    }
}

/// The observer that evaluates the rules with each sample.
struct Watch(Alerts);

impl Observer for Watch {
    fn name(&self) -> &'static str {
        "alerting"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _missed: u64) -> Vec<Event> {
        self.0.evaluate(sample).into_iter().map(Event::Alert).collect()
    }
}
