//! A registry whose alerts a test makes up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    Alert, AlertCause, AlertChange, AlertState, Event, ManualClock, Observer, Registry, Sample,
    Ticker, Timestamp,
};
use node0_notifier::{Notifier, NotifierBuilder, Target};

/// The time at which all made-up alerts began to fire.
pub(crate) const STARTED: Timestamp = Timestamp::from_millis(1_577_836_800_250);

pub(crate) struct Source {
    clock: ManualClock,
    pub(crate) registry: Registry,
    ticker: Ticker,
    events: Arc<Mutex<Vec<Event>>>,
    _notifier: Notifier,
}

/// Sends what the test made up.
struct MadeUp(Arc<Mutex<Vec<Event>>>);

impl Observer for MadeUp {
    fn name(&self) -> &'static str {
        "made-up"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().expect("no test panics here"))
    }
}

/// Makes a firing alert about a component.
pub(crate) fn firing(component: &str) -> Alert {
    let mut alert = Alert::new("High", [("tank", component), ("severity", "warning")]);
    alert.state = AlertState::Firing;
    (alert.topic, alert.component) = ("tanks".to_owned(), component.to_owned());
    alert.starts_at = Some(STARTED);
    alert.expires_at = Timestamp::from_millis(STARTED.as_millis() + 240_000);
    alert.message = format!("{component} is high");
    alert
}

/// Makes the same alert resolved.
pub(crate) fn resolved(component: &str) -> Alert {
    let mut alert = firing(component);
    alert.state = AlertState::Resolved;
    let end = Timestamp::from_millis(STARTED.as_millis() + 60_000);
    (alert.ends_at, alert.expires_at) = (Some(end), end);
    alert
}

/// Settings that suit a test: short times, so that all attempts take a moment.
pub(crate) fn quick() -> NotifierBuilder {
    Notifier::builder()
        .timeout(Duration::from_millis(500))
        .first_delay(Duration::from_millis(5))
        .gather(Duration::from_millis(50))
}

impl Source {
    /// Delivers to a webhook.
    pub(crate) fn to_webhook(address: &str) -> Self {
        Self::with(quick().target(Target::webhook(address).expect("a good address")))
    }

    pub(crate) fn with(notifier: NotifierBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder()
            .clock(clock.clock())
            // A slow machine must not look like a guest that hangs.
            .guest_timeout(Duration::from_secs(60))
            .build();
        let events = Arc::default();
        registry.observe(MadeUp(Arc::clone(&events))).expect("the name is free");
        let notifier = notifier.start(&registry).expect("it starts");
        let ticker = registry.ticker().expect("nobody else ticks");
        Self { clock, registry, ticker, events, _notifier: notifier }
    }

    /// Sends news of alerts, as one evaluation does.
    pub(crate) fn send(&mut self, alerts: impl IntoIterator<Item = Alert>) {
        let news = alerts
            .into_iter()
            .map(|alert| Event::Alert(AlertChange::new(AlertCause::Repeated, Arc::new(alert))));
        self.events.lock().expect("no test panics here").extend(news);
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick();
    }

    /// Returns the number of alerts of the first webhook with this outcome.
    pub(crate) fn count(&self, outcome: &str) -> f64 {
        self.count_of("webhook-1", outcome)
    }

    pub(crate) fn count_of(&self, target: &str, outcome: &str) -> f64 {
        let labels = [("target", target), ("outcome", outcome)];
        self.value("node0_notifications_total", &labels)
    }

    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let sample = self.registry.read();
        sample.snapshot.value(name, labels).map_or(0.0, node0_metrics_core::Value::as_f64)
    }

    /// Waits until so many alerts of the first webhook have this outcome.
    #[track_caller]
    pub(crate) fn wait_for(&self, outcome: &str, alerts: f64) {
        let counted = testbed::Deadline::seconds(20).until(|| self.count(outcome) >= alerts);
        assert!(counted, "{outcome}: {} of {alerts}", self.count(outcome));
    }
}
