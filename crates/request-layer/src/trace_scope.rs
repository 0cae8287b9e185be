//! The trace of the request that a thread is polling.
//!
//! The recorder is outside of the host's layers and handlers, and a span is current inside of them
//! only. So a slot of the thread is open during each poll of a request: what is inside reads the
//! trace from it, or tells it.

use std::cell::Cell;

use crate::traces::Link;

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// No request is polled, or none whose trace is followed.
    Outside,
    /// The first span that is entered tells the request's trace.
    Sought,
    Known(Link),
}

/// Enters a scope, and returns the one before.
pub(crate) fn replace(scope: Scope) -> Scope {
    // The slot is gone only while a thread ends and runs its destructors.
    SCOPE.try_with(|slot| slot.replace(scope)).unwrap_or(Scope::Outside)
}

/// Returns the trace of the request that is polled, if it is known.
pub(crate) fn current() -> Option<Link> {
    match SCOPE.try_with(Cell::get) {
        Ok(Scope::Known(link)) => Some(link),
        _ => None,
    }
}

/// Tells the trace of the request that is polled, if it is sought.
#[cfg(feature = "tracing-opentelemetry")]
pub(crate) fn tell(find: impl FnOnce() -> Option<Link>) {
    if let Ok(Scope::Sought) = SCOPE.try_with(Cell::get)
        && let Some(link) = find()
    {
        replace(Scope::Known(link));
    }
}
