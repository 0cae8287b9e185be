//! The traces of OpenTelemetry, as tracing-opentelemetry makes them of spans.

use std::panic;

use node0_metrics_core::{SpanId, TraceContext, TraceId};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::Subscriber;
use tracing::span::Id;
use tracing_subscriber::layer;

use crate::trace_scope;
use crate::traces::{Link, Traces};

impl Traces {
    /// Takes the trace of the OpenTelemetry span that is current, such as tracing-opentelemetry makes
    /// of each span of `tracing`.
    ///
    /// For the spans of requests, add the layer [`RequestSpans`] to the subscriber. A timer has the
    /// span that is current when it ends. Its spans must be active in OpenTelemetry's context, as
    /// they are unless `with_context_activation(false)` is set.
    pub const fn opentelemetry() -> Self {
        Self::new(current, false)
    }
}

/// Tells the request layer the span of each request; a layer for the subscriber of `tracing`.
///
/// The request layer is around all others, so the span of a request has ended when it records the
/// duration. This layer tells it the first span that was entered meanwhile, whoever made it: a layer
/// such as tower-http's `TraceLayer`, or `#[instrument]` on the handler. Outside of requests it costs
/// a look at a thread-local variable for each span that is entered or left.
///
/// ```
/// use node0_request_layer::RequestSpans;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let spans = tracing_opentelemetry::layer(); // `.with_tracer(..)` of your provider
/// let subscriber = tracing_subscriber::registry().with(spans).with(RequestSpans);
/// # let _ = tracing::subscriber::set_default(subscriber);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestSpans;

impl<S: Subscriber> layer::Layer<S> for RequestSpans {
    fn on_enter(&self, _: &Id, _: layer::Context<'_, S>) {
        trace_scope::tell(current);
    }

    /// Finds the span that was not current yet when it was entered: if this layer was added first,
    /// it is called before the one that makes the span current, and here before that one ends it.
    fn on_exit(&self, _: &Id, _: layer::Context<'_, S>) {
        trace_scope::tell(current);
    }
}

/// Returns the trace of OpenTelemetry's current span.
fn current() -> Option<Link> {
    // It panics while a thread ends, after its context is gone: a timer may be dropped even then.
    panic::catch_unwind(|| {
        Context::map_current(|context| {
            let span = context.span();
            let span = span.span_context();
            let id = |bytes: [u8; 16]| TraceId::new(u128::from_be_bytes(bytes));
            let context = TraceContext {
                trace: id(span.trace_id().to_bytes()),
                span: Some(SpanId::new(u64::from_be_bytes(span.span_id().to_bytes()))),
            };
            span.is_valid().then_some(Link { context, is_sampled: span.is_sampled() })
        })
    })
    .ok()
    .flatten()
}
