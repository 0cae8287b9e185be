//! The source of traces: which trace a request, or the code that runs for it, belongs to.

use std::fmt;

use http::HeaderMap;
use node0_metrics_core::TraceContext;

use crate::trace_scope::{self, Scope};
use crate::traceparent;

/// Tells the trace of each request, which becomes an exemplar of its duration.
///
/// The same trace is that of the timers that end while the request is handled, if the registry
/// asks for it:
///
/// ```
/// use node0_metrics_core::Registry;
/// use node0_request_layer::{RequestLayer, Traces};
///
/// let traces = Traces::traceparent();
/// let registry = Registry::builder().traces(move || traces.current()).build();
/// let requests = RequestLayer::register(&registry)?.traces(traces);
/// # let _ = requests;
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
///
/// Only sampled traces are taken, since nobody can look at others.
#[derive(Clone, Copy)]
#[must_use = "pass it to `RequestLayer::traces`"]
pub struct Traces {
    pub(crate) current: fn() -> Option<Link>,
    /// `true` if the request's header names the trace, `false` if a span does.
    pub(crate) reads_header: bool,
    keeps_unsampled: bool,
}

/// A trace as its source tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) context: TraceContext,
    pub(crate) is_sampled: bool,
}

impl Traces {
    /// Takes the trace that the caller names in the header `traceparent`, for hosts without tracing
    /// of their own, behind a proxy or a client that has it.
    ///
    /// The header is that of [W3C Trace Context](https://www.w3.org/TR/trace-context/); one that is
    /// malformed, or there twice, is ignored. The exemplar's span is the caller's. Timers have the
    /// trace if they end while the handler is polled: what it spawns, and a body that is streamed when
    /// it has ended, have none. The look at the header costs a request some 20 ns.
    pub const fn traceparent() -> Self {
        Self::new(trace_scope::current, true)
    }

    pub(crate) const fn new(current: fn() -> Option<Link>, reads_header: bool) -> Self {
        Self { current, reads_header, keeps_unsampled: false }
    }

    /// Takes traces that are not sampled too; by default it does not.
    ///
    /// Use it if all traces are kept, whatever their flag says, or if logs have their ids.
    pub const fn unsampled(mut self) -> Self {
        self.keeps_unsampled = true;
        self
    }

    /// Returns the trace that the calling thread works for, which
    /// [`RegistryBuilder::traces`](node0_metrics_core::RegistryBuilder::traces) asks for.
    pub fn current(&self) -> Option<TraceContext> {
        (self.current)().filter(|link| self.takes(link)).map(|link| link.context)
    }

    fn takes(&self, link: &Link) -> bool {
        link.is_sampled || self.keeps_unsampled
    }

    /// Returns what is known of a request's trace before it is polled; `None` if it has none.
    #[cold]
    pub(crate) fn follow(self, headers: &HeaderMap) -> Option<FollowedTrace> {
        let scope = match self.reads_header {
            true => Scope::Known(traceparent::of(headers).filter(|link| self.takes(link))?),
            false => Scope::Sought,
        };
        Some(FollowedTrace { traces: self, scope })
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("reads_header", &self.reads_header)
            .field("keeps_unsampled", &self.keeps_unsampled)
            .finish_non_exhaustive()
    }
}

/// The trace of a request, which may be found only while it is polled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FollowedTrace {
    traces: Traces,
    scope: Scope,
}

impl FollowedTrace {
    /// Begins a poll of the request; returns the scope that [`Self::end`] takes.
    pub(crate) fn begin(&mut self) -> Scope {
        // A span around the recorded service, if there is one, is current already.
        if let (Scope::Sought, Some(link)) = (self.scope, (self.traces.current)()) {
            self.scope = Scope::Known(link);
        }
        trace_scope::replace(self.scope)
    }

    /// Ends the poll, and returns the trace if it is known.
    pub(crate) fn end(&mut self, outer: Scope) -> Option<TraceContext> {
        self.scope = trace_scope::replace(outer);
        match self.scope {
            Scope::Known(link) if self.traces.takes(&link) => Some(link.context),
            _ => None,
        }
    }
}
