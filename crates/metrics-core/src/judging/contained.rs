//! Guests' futures, polled on the caller's task with panics caught and outcomes counted.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::Moment;
use crate::judging::guarded_call::{GuardedCall, Reason};
use crate::judging::guest::{GuestError, contain};

/// A guest's future, as [`GuardedCall::contain`] wraps it.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Contained<'c, F> {
    ending: Ending<'c>,
    future: Pin<Box<F>>,
}

/// Counts a future as hung if it is dropped before it is ready.
#[derive(Debug)]
struct Ending<'c> {
    call: &'c GuardedCall,
    start: Moment,
    has_ended: bool,
}

impl<'c, F: Future> Contained<'c, F> {
    pub(crate) fn new(call: &'c GuardedCall, future: F) -> Self {
        let ending = Ending { call, start: call.clock().now(), has_ended: false };
        Self { ending, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Contained<'_, F> {
    type Output = Result<F::Output, GuestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { ending, future } = &mut *self;
        let result = match contain(|| future.as_mut().poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panicked) => Err(panicked),
        };
        ending.has_ended = true;
        let took = ending.call.clock().since(ending.start);
        Poll::Ready(ending.call.note(result, took))
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.call.fail(Reason::Hung);
        }
    }
}
