//! The measurement of a request that has not ended.
//!
//! Dropping a measurement records its request, so each request is recorded on every
//! code path. A future that is dropped because its client gave up records *cancelled*,
//! and one that is dropped by a panic records *panicked*. The code that polls the
//! service sets beforehand which of the two a drop would mean.

use std::sync::Arc;

use metrics_core::Moment;

use crate::method::KnownMethod;
use crate::recorder::{Outcome, Recorder, RouteId};

#[must_use = "dropping the measurement ends it"]
#[derive(Debug)]
pub(crate) struct Measurement {
    recorder: Arc<Recorder>,
    start: Moment,
    method: KnownMethod,
    route: RouteId,
    outcome: Outcome,
}

impl Measurement {
    #[inline]
    pub(crate) fn start(recorder: Arc<Recorder>, method: KnownMethod, route: RouteId) -> Self {
        recorder.active(method).add(1);
        let start = recorder.registry.clock().now();
        Self { recorder, start, method, route, outcome: Outcome::Cancelled }
    }

    /// Sets the route to the one whose template axum matched, and returns it.
    pub(crate) fn matched(&mut self, template: &str, is_whole: bool) -> RouteId {
        self.route = self.recorder.route(template, is_whole);
        self.route
    }

    pub(crate) fn method(&self) -> KnownMethod {
        self.method
    }

    /// Sets the outcome that is recorded if the measurement is dropped.
    #[inline]
    pub(crate) fn if_dropped(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Ends the measurement, and records this outcome.
    #[inline]
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Measurement {
    #[inline]
    fn drop(&mut self) {
        let nanos = self.recorder.registry.nanos_since(self.start);
        self.recorder.active(self.method).add(-1);
        self.recorder.record(self.method, self.route, self.outcome, nanos);
    }
}
