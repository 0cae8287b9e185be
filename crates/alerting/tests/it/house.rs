//! A registry with alerts and a clock that the test advances.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_alerting::{AlertingBuilder, Alerts, Metric, Rule};
use node0_metrics_core::{
    Alert, AlertCause, AlertState, Desc, Event, Gauge, ManualClock, Registry, Ticker,
};

/// The gauge that most tests set.
pub(crate) const LEVEL: Desc = Desc::gauge("level", "A level that a test sets.").labels(&["tank"]);

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The news of one evaluation: the causes with the name and component of the alerts.
pub(crate) type News = Vec<(AlertCause, String)>;

/// What a listener heard.
type Heard = (AlertCause, Arc<Alert>);

pub(crate) struct House {
    pub(crate) clock: ManualClock,
    pub(crate) alerts: Alerts,
    registry: Registry,
    ticker: Ticker,
    /// The gauge of tank `a`.
    pub(crate) level: Gauge,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A rule over the gauge, which fires above 10.
pub(crate) fn high() -> Rule {
    Rule::new("HighLevel", Metric::new("level").by(["tank"]).above(10.0))
        .summary("tank {tank} is at {value}, above {threshold}")
}

impl House {
    /// Watches with these rules alone.
    pub(crate) fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self::with(Alerts::builder().rules(rules))
    }

    pub(crate) fn with(builder: AlertingBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder()
            .clock(clock.clock())
            // A slow machine must not look like a guest that hangs.
            .guest_timeout(Duration::from_secs(60))
            .build();
        let level = registry.gauge(&LEVEL, &["a"]).expect("a new registry takes it");
        let alerts = builder.register(&registry).expect("the rules are good");
        let ticker = registry.ticker().expect("nobody else ticks");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = heard.clone();
        let listen = move |event: &Event| {
            if let Event::Alert(change) = event {
                hearing
                    .lock()
                    .expect("no test panics here")
                    .push((change.cause, change.alert.clone()));
            }
        };
        registry.listen("test", listen).expect("the name is free");
        Self { clock, alerts, registry, ticker, level, heard }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the current value of a series.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let sample = self.registry.read();
        sample.snapshot.value(name, labels).map(node0_metrics_core::Value::as_f64)
    }

    /// Lets a second pass and returns the news.
    pub(crate) fn tick(&mut self) -> News {
        self.pass(SECOND)
    }

    /// Lets a tick of this length pass and returns the news.
    pub(crate) fn pass(&mut self, time: Duration) -> News {
        self.pass_unheard(time);
        self.news().into_iter().map(|(cause, alert)| (cause, alert.component.clone())).collect()
    }

    /// Lets a tick of this length pass, and leaves its news for [`Self::news`].
    pub(crate) fn pass_unheard(&mut self, time: Duration) {
        self.clock.advance(time);
        self.ticker.tick();
    }

    /// Returns the news that were not returned yet.
    pub(crate) fn news(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().expect("no test panics here"))
    }

    /// Sets tank `a`, lets a second pass, and returns the news.
    pub(crate) fn at(&mut self, level: f64) -> News {
        self.level.set(level);
        self.tick()
    }

    /// Lets seconds pass and returns the news with the second at which each came, from 1 on.
    pub(crate) fn seconds(&mut self, seconds: u64) -> Vec<(u64, AlertCause)> {
        let mut all = Vec::new();
        for second in 1..=seconds {
            all.extend(self.tick().into_iter().map(|(cause, _)| (second, cause)));
        }
        all
    }

    /// Returns the state of the only active alert; `None` if there is none.
    pub(crate) fn state(&self) -> Option<AlertState> {
        self.alert().map(|alert| alert.state)
    }

    /// Returns the only active alert.
    pub(crate) fn alert(&self) -> Option<Arc<Alert>> {
        let active = &self.alerts.overview().active;
        assert!(active.len() <= 1, "{active:?}");
        active.first().cloned()
    }
}
