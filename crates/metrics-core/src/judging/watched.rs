//! A registered monitor; each call into it is guarded.

use std::sync::Arc;

use crate::judging::assessment::Assessment;
use crate::judging::board::COMPONENT_HEALTH_SCORE;
use crate::judging::drop_guarded::DropGuarded;
use crate::judging::guarded_call::{GuardedCall, Guests};
use crate::judging::guest::{GuestCall, GuestError};
use crate::judging::health::TopicHealth;
use crate::judging::judgement::Judgement;
use crate::judging::monitor::Monitor;
use crate::judging::readiness::{ReadinessCheck, Unlisted};
use crate::judging::report::{TopicReport, UnknownTarget};
use crate::judging::started::Started;
use crate::judging::topic::Topic;
use crate::reading::sample::Sample;
use crate::recording::gauge::Gauge;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::sync::{Mutex, lock};

pub(crate) type Checks = Vec<Arc<dyn ReadinessCheck>>;

pub(crate) struct Watched {
    pub(crate) topic: &'static Topic,
    monitor: DropGuarded<Arc<dyn Monitor>>,
    poll: GuardedCall,
    judge: GuardedCall,
    report: GuardedCall,
    readiness: GuardedCall,
    /// The readiness checks that the monitor returned last, if it ever did.
    checks: DropGuarded<Arc<Mutex<Option<Checks>>>>,
    /// The published score.
    pub(crate) score: Gauge,
}

impl Watched {
    pub(crate) fn register(
        store: &Store,
        guests: &Arc<Guests>,
        topic: &'static Topic,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, RegisterError> {
        let guarded = |call| GuardedCall::register(store, guests, topic.name, call);
        Ok(Self {
            topic,
            monitor: DropGuarded::new(monitor, guests),
            poll: guarded(GuestCall::Poll)?,
            judge: guarded(GuestCall::Judge)?,
            report: guarded(GuestCall::Report)?,
            readiness: guarded(GuestCall::Readiness)?,
            checks: DropGuarded::new(Arc::default(), guests),
            score: store.handle(&COMPONENT_HEALTH_SCORE, &[topic.check_key])?,
        })
    }

    pub(crate) fn poll(&self) -> Result<Started<'_, ()>, GuestError> {
        // These two are made on request only, so a tick ends their gauges of skipped calls.
        [&self.report, &self.readiness].into_iter().for_each(GuardedCall::settle);
        let monitor = self.monitor.clone();
        self.poll.start(move || monitor.poll())
    }

    pub(crate) fn judge(&self, sample: &Arc<Sample>) -> Result<Started<'_, Judgement>, GuestError> {
        let (monitor, sample) = (self.monitor.clone(), sample.clone());
        self.judge.start(move || monitor.judge(&sample.view()))
    }

    /// Asks the monitor for its readiness checks.
    pub(crate) fn readiness(&self) -> Result<Started<'_, ()>, GuestError> {
        let (monitor, checks) = (self.monitor.clone(), self.checks.clone());
        self.readiness.start(move || {
            let given = monitor.readiness();
            // The previous checks are dropped here and outside of the lock: a destructor is guest code.
            let before = lock(&checks).replace(given);
            drop(before);
        })
    }

    /// Returns the monitor's readiness checks after it was asked for them.
    ///
    /// If the call failed, these are the checks of the last successful call, or one that fails:
    /// without any the service would count as ready.
    pub(crate) fn checks(&self, asked: Result<(), GuestError>) -> Checks {
        let known = lock(&self.checks).clone();
        known.unwrap_or_else(|| match asked {
            Ok(()) => Vec::new(),
            Err(error) => vec![Arc::new(Unlisted { topic: self.topic, error })],
        })
    }

    /// Makes a report and hands it to `write`, all in one call.
    pub(crate) fn report<T: Send + 'static>(
        &self,
        sample: &Arc<Sample>,
        target: Option<&str>,
        write: impl FnOnce(TopicReport) -> T + Send + 'static,
    ) -> Result<Started<'_, Result<T, UnknownTarget>>, GuestError> {
        let (topic, at) = (self.topic, sample.at);
        let (monitor, sample) = (self.monitor.clone(), sample.clone());
        let target = target.map(str::to_owned);
        self.report.start(move || {
            let view = sample.view();
            let believed = sample.topics.iter().find(|health| health.topic.name == topic.name);
            // Before the first tick no health is published, so the monitor is asked here.
            let first = believed.is_none().then(|| {
                let judgement = monitor.judge(&view).fold(topic.name);
                TopicHealth::first(topic, judgement)
            });
            let topics = first.as_ref().map_or(&*sample.topics, std::slice::from_ref);
            let report = monitor.report(&view.with_topics(topics), target.as_deref())?;
            let health = believed.or(first.as_ref()).map(|health| {
                let target = target.as_slice();
                match report.components().or((!target.is_empty()).then_some(target)) {
                    Some(names) if !health.components.is_empty() => {
                        health.worst_of(names.iter().map(String::as_str))
                    }
                    _ => health.assessment.clone(),
                }
            });
            let joined = report.joined().and_then(|topic| view.health(topic));
            let both = health.into_iter().chain(joined.map(|joined| joined.assessment.clone()));
            let health = both.reduce(Assessment::worst);
            let health = health.unwrap_or_else(|| Judgement::unknown("not judged yet").assess());
            Ok(write(TopicReport { topic, at, health, report }))
        })
    }
}
