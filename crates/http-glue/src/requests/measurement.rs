//! A request that has not ended.
//!
//! Whoever holds the measurement says how the request stands; dropping it
//! records that. So there is no path on which a request is forgotten: a future
//! that its client gave up on drops the measurement as *cancelled*, one that
//! unwinds as *panicked*.

use std::sync::Arc;

use metrics_core::Moment;

use super::method::KnownMethod;
use super::recorder::{Outcome, Recorder, RouteId};

#[must_use = "dropping the measurement ends it"]
#[derive(Debug)]
pub(super) struct Measurement {
    recorder: Arc<Recorder>,
    start: Moment,
    method: KnownMethod,
    route: RouteId,
    outcome: Outcome,
}

impl Measurement {
    #[inline]
    pub(super) fn start(recorder: Arc<Recorder>, method: KnownMethod, route: RouteId) -> Self {
        recorder.active(method).add(1);
        let start = recorder.registry.clock().now();
        Self { recorder, start, method, route, outcome: Outcome::Cancelled }
    }

    /// Takes the template that axum matched the request with.
    pub(super) fn matched(&mut self, template: &str, is_whole: bool) {
        self.route = self.recorder.route(template, is_whole);
    }

    pub(super) fn method(&self) -> KnownMethod {
        self.method
    }

    /// What is recorded if the measurement is dropped now.
    #[inline]
    pub(super) fn would_be(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Ends the measurement.
    #[inline]
    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Measurement {
    #[inline]
    fn drop(&mut self) {
        let took = self.recorder.registry.since(self.start);
        self.recorder.active(self.method).add(-1);
        self.recorder.record(self.method, self.route, self.outcome, took);
    }
}
