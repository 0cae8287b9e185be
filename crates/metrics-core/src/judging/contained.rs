//! Guests' futures, polled on the caller's task with panics caught and outcomes counted.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::clock::Moment;
use crate::judging::guarded_call::GuardedCall;
use crate::judging::guest::{GuestError, Reason, contain, discard};

/// A guest's future, as [`GuardedCall::contain`] wraps it.
///
/// Its end is counted once: when it is ready, when it is dropped before, or when a
/// [`Waiter`] gives it up, whichever comes first.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Contained<F> {
    waiter: Waiter,
    start: Moment,
    /// `None` once it has ended.
    future: Option<Pin<Box<F>>>,
}

/// Waits for a [`Contained`] future, and may give it up where the future cannot be dropped
/// because a poll of it blocks.
#[derive(Clone, Debug)]
pub struct Waiter {
    call: Arc<GuardedCall>,
    has_ended: Arc<AtomicBool>,
}

impl<F: Future> Contained<F> {
    pub(crate) fn new(call: Arc<GuardedCall>, future: F) -> Self {
        let start = call.clock().now();
        let waiter = Waiter { call, has_ended: Arc::default() };
        Self { waiter, start, future: Some(Box::pin(future)) }
    }

    /// Returns a handle by which another task can give up the future.
    pub fn waiter(&self) -> Waiter {
        self.waiter.clone()
    }
}

impl Waiter {
    /// Counts the future as hung, unless it has ended.
    pub fn give_up(&self) {
        if self.ends() {
            self.call.fail(Reason::Hung);
        }
    }

    /// Returns `true` for the first who asks, and who therefore counts the end.
    fn ends(&self) -> bool {
        !self.has_ended.swap(true, Ordering::Relaxed)
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, GuestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiter, start, future } = &mut *self;
        let Some(running) = future else { return Poll::Ready(Err(GuestError::Panicked)) };
        let result = match contain(|| running.as_mut().poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panicked) => Err(panicked),
        };
        discard(future.take());
        if !waiter.ends() {
            return Poll::Ready(Err(GuestError::Hung));
        }
        let took = waiter.call.clock().since(*start);
        Poll::Ready(waiter.call.note(result, took))
    }
}

impl<F> Drop for Contained<F> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            discard(future);
            self.waiter.give_up();
        }
    }
}
