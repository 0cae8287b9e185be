//! The measurement of a request that has not ended.
//!
//! Dropping a measurement records its request, so each request is recorded on every
//! code path. A future that is dropped because its client gave up records *cancelled*,
//! and one that is dropped by a panic records *panicked*. The code that polls the
//! service sets beforehand which of the two a drop would mean.
//!
//! On the usual path of a request, a measurement is ended where it stands. To move a struct that
//! was just written takes as long as a record: the processor cannot read in one piece what is
//! still on its way to the cache in several.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{Moment, TraceContext};

use crate::long_lived::TimeToHead;
use crate::method::KnownMethod;
use crate::recorder::{Outcome, Recorder, RouteId};
use crate::route_recorder::Start;

/// What a measurement holds until its request has ended: at least the recorder.
///
/// A server implements it for the state of a connection, which it holds for each request anyway.
pub trait Holder {
    /// Returns the recorder; `None` if requests are not recorded.
    fn recorder(&self) -> Option<&Recorder>;

    /// Returns the current time, on the clock of the recorder's registry.
    fn now(&self) -> Moment;

    /// Is called once, with the time at which the request has ended.
    fn ended(&self, at: Moment) {
        let _ = at;
    }
}

impl Holder for Arc<Recorder> {
    #[inline]
    fn recorder(&self) -> Option<&Recorder> {
        Some(self)
    }

    #[inline]
    fn now(&self) -> Moment {
        self.registry.clock().now()
    }
}

/// The measurement of a request, which ends with the request's [`RecordedBody`](crate::RecordedBody).
///
/// Dropping it ends it too, as cancelled or panicked.
#[must_use = "dropping the measurement ends it"]
#[derive(Debug)]
pub struct Measurement<H: Holder = Arc<Recorder>> {
    /// `None` if the request has ended.
    running: Option<Running<H>>,
    /// `None` if the request is not recorded.
    method: Option<KnownMethod>,
    route: RouteId,
    /// `true` during a poll, which only a panic leaves without an end.
    is_polled: bool,
    head: TimeToHead,
}

#[derive(Debug)]
struct Running<H> {
    holder: H,
    start: Moment,
    /// The trace of the request, if it is known. Boxed, since most requests have none, and each
    /// measurement is moved.
    trace: Option<Box<TraceContext>>,
}

impl<H: Holder> Measurement<H> {
    /// Starts the measurement of a request whose head arrived at `at`.
    #[inline]
    pub fn start(holder: H, at: Moment, start: Start) -> Self {
        if let (Some(method), Some(recorder)) = (start.method, holder.recorder()) {
            recorder.active(method).add(1);
        }
        let Start { method, route } = start;
        let running = Some(Running { holder, start: at, trace: None });
        Self { running, method, route, is_polled: false, head: TimeToHead::NONE }
    }

    /// Returns the measurement of a request that nobody measures.
    #[inline]
    pub(crate) fn none() -> Self {
        let Start { method, route } = Start::UNMEASURED;
        Self { running: None, method, route, is_polled: false, head: TimeToHead::NONE }
    }

    /// Returns `true` if the request is recorded and has not ended.
    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.method.is_some() && self.running.is_some()
    }

    /// Sets the route to the one whose template axum matched, and returns it.
    pub(crate) fn matched(&mut self, template: &str) -> RouteId {
        let recorder = self.running.as_ref().and_then(|running| running.holder.recorder());
        if let Some(recorder) = recorder {
            self.route = recorder.route(template);
        }
        self.route
    }

    /// Returns `true` if the response to the request has no body, whatever its head announces.
    #[inline]
    pub(crate) fn is_head(&self) -> bool {
        self.method == Some(KnownMethod::Head)
    }

    /// Notes that the head of a response whose length is unknown was made.
    pub(crate) fn set_head(&mut self, is_stream: bool) {
        if let Some(Running { holder, start, .. }) = &self.running
            && let Some(recorder) = holder.recorder()
        {
            let nanos = recorder.registry.clock().nanos_between(*start, holder.now());
            self.head = TimeToHead::new(nanos, is_stream);
        }
    }

    /// Makes a trace that of the request, unless it has one.
    pub(crate) fn set_trace(&mut self, trace: TraceContext) {
        if let Some(running) = &mut self.running {
            running.trace.get_or_insert_with(|| Box::new(trace));
        }
    }

    /// Begins a poll of the service, or of the body: if it panics, that is how the request ended.
    ///
    /// Returns `true` if the request is recorded and has not ended.
    // Not a function around the poll: each branch and closure that a response passes through may
    // move it.
    #[inline(always)]
    pub(crate) fn begin_poll(&mut self) -> bool {
        self.is_polled = true;
        self.is_recording()
    }

    /// Ends a poll that did not panic.
    #[inline(always)]
    pub(crate) fn end_poll(&mut self) {
        self.is_polled = false;
    }

    /// Ends the measurement, and records this outcome; has no effect on one that has ended.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.end_with(|| outcome);
    }

    /// Does what [`Measurement::end`] does, with an outcome that is asked for last.
    ///
    /// What was just written is not read at once: until it has reached the cache, the processor
    /// waits for it.
    #[inline(always)]
    pub(crate) fn end_with(&mut self, outcome: impl FnOnce() -> Outcome) {
        let Some(Running { holder, start, trace }) = self.running.take() else { return };
        let now = holder.now();
        if let (Some(method), Some(recorder)) = (self.method, holder.recorder()) {
            recorder.active(method).add(-1);
            let nanos = recorder.registry.clock().nanos_between(start, now);
            let nanos = match self.head.is_none() {
                true => nanos,
                false => self.head.counted(nanos, recorder.streams_after()),
            };
            if let Some(trace) = trace {
                let request = (method, self.route, outcome());
                recorder.record_traced(request, Duration::from_nanos(nanos), *trace);
            } else {
                recorder.record(method, self.route, outcome, nanos);
            }
        }
        holder.ended(now);
    }

    /// Moves the measurement to where it will end, such as the body of the response.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self { running: self.running.take(), ..*self }
    }
}

impl<H: Holder> Drop for Measurement<H> {
    #[inline]
    fn drop(&mut self) {
        if self.running.is_some() {
            self.end(if self.is_polled { Outcome::Panicked } else { Outcome::Cancelled });
        }
    }
}
