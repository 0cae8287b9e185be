//! Guests made of closures.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use node0_metrics_core::{
    Event, Judgement, Monitor, Observer, ReadinessCheck, Report, Sample, Topic, UnknownTarget, View,
};

/// A monitor made of closures.
pub(crate) struct Scripted {
    pub(crate) topic: &'static Topic,
    pub(crate) poll: Box<dyn Fn() + Send + Sync>,
    pub(crate) judge: Box<dyn Fn() -> Judgement + Send + Sync>,
    pub(crate) report: Box<dyn Fn() -> Report + Send + Sync>,
    pub(crate) readiness: Box<dyn Fn() -> Vec<Arc<dyn ReadinessCheck>> + Send + Sync>,
}

impl Scripted {
    /// A healthy one that does nothing.
    pub(crate) fn new(topic: &'static Topic) -> Self {
        Self {
            topic,
            poll: Box::new(|| ()),
            judge: Box::new(|| Judgement::healthy("fine")),
            report: Box::new(|| Report::new(())),
            readiness: Box::new(Vec::new),
        }
    }
}

impl Monitor for Scripted {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    fn poll(&self) {
        (self.poll)();
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        (self.judge)()
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok((self.report)())
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        (self.readiness)()
    }
}

/// Does something when it is dropped.
pub(crate) struct OnDrop(pub(crate) Box<dyn Fn() + Send + Sync>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Holds those who wait, until the sender is dropped.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Mutex<Receiver<()>>>);

impl Gate {
    pub(crate) fn new() -> (Sender<()>, Self) {
        let (release, held) = mpsc::channel();
        (release, Self(Arc::new(Mutex::new(held))))
    }

    pub(crate) fn wait(&self) {
        let _ = self.0.lock().expect("it is not poisoned").recv();
    }
}

/// An observer made of a closure, with its name.
pub(crate) struct Observing<F>(pub(crate) &'static str, pub(crate) F);

impl<F: FnMut(&Arc<Sample>, u64) -> Vec<Event> + Send + 'static> Observer for Observing<F> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn observe(&mut self, sample: &Arc<Sample>, missed: u64) -> Vec<Event> {
        (self.1)(sample, missed)
    }
}
