//! A waker that remembers that it was woken.
//!
//! A task that serves a client is mostly woken because there is a message to send. Then there is
//! nothing to read, and no deadline has passed. But to find that out, the reader and the timer would
//! have to be polled, which reads a dozen cache lines that were last used a second ago: for thousands
//! of clients they come from memory, and take as long as half of the write. So the reader and the
//! timer have this waker, and are polled only if it was woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

/// Wakes a task, and remembers it.
#[derive(Debug)]
pub(crate) struct Signal {
    is_raised: AtomicBool,
    task: Waker,
}

impl Signal {
    /// Returns the signal for the task; makes a raised one if `signal` is for another task.
    pub(crate) fn of<'s>(signal: &'s mut Option<Arc<Self>>, cx: &Context<'_>) -> &'s Arc<Self> {
        if signal.as_ref().is_some_and(|signal| !signal.task.will_wake(cx.waker())) {
            *signal = None;
        }
        let make = || Self { is_raised: AtomicBool::new(true), task: cx.waker().clone() };
        signal.get_or_insert_with(|| Arc::new(make()))
    }

    /// Takes the signal down; returns `true` if it was raised.
    pub(crate) fn take(&self) -> bool {
        // Pairs with the store in `wake_by_ref`: who sees the signal sees what it was raised for.
        self.is_raised.load(Ordering::Relaxed) && self.is_raised.swap(false, Ordering::Acquire)
    }

    /// Raises the signal without waking the task, which is running.
    pub(crate) fn raise(&self) {
        self.is_raised.store(true, Ordering::Release);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise();
        self.task.wake_by_ref();
    }
}
