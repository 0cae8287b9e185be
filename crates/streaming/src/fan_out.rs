//! Wakes the readers from within their runtime.
//!
//! To wake a task from a thread that is not of its runtime takes the lock of the runtime's queue, and
//! mostly a system call too, since the runtime may be waiting for I/O. For a thousand readers that is
//! a tenth of what their updates cost. So the thread that encodes wakes one task of the runtime, and
//! that task wakes the readers, which then takes neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::hub::Hub;

/// A task that wakes the readers of a [`Streaming`](crate::Streaming) from within their runtime.
///
/// Only one exists at a time. Drop it, and the thread that encodes wakes the readers again.
#[derive(Debug)]
#[must_use = "spawn `run` on the runtime that serves the sessions"]
pub struct FanOut {
    hub: Arc<Hub>,
}

/// The state between the thread that encodes and the [`FanOut`].
#[derive(Debug, Default)]
pub(crate) struct Waking {
    /// `true` while there is a [`FanOut`].
    is_taken: AtomicBool,
    /// `true` from a request until the [`FanOut`] begins to wake the readers.
    is_requested: AtomicBool,
    requested: Notify,
}

impl Waking {
    /// Leaves it to the [`FanOut`] to wake the readers; `false` if there is none, or if it has not
    /// even done so for the pass before, as when its runtime is blocked.
    pub(crate) fn hand_over(&self) -> bool {
        // The lock on the channels orders this after a `FanOut` that was dropped, or before what it
        // does last.
        if !self.is_taken.load(Ordering::Relaxed) {
            return false;
        }
        let is_late = self.is_requested.load(Ordering::Relaxed);
        self.request();
        !is_late
    }

    /// Wakes the [`FanOut`], if there is one.
    pub(crate) fn request(&self) {
        self.is_requested.store(true, Ordering::Relaxed);
        self.requested.notify_one();
    }
}

impl FanOut {
    /// Takes the place of the only one; `None` if it is taken.
    pub(crate) fn take(hub: &Arc<Hub>) -> Option<Self> {
        let is_taken = &hub.waking.is_taken;
        // Mostly it is taken, and then nothing is written.
        let is_free = !is_taken.load(Ordering::Relaxed) && !is_taken.swap(true, Ordering::Relaxed);
        is_free.then(|| Self { hub: hub.clone() })
    }

    /// Wakes the readers after each pass, until the stream is closed.
    pub async fn run(self) {
        let Waking { is_requested, requested, .. } = &self.hub.waking;
        loop {
            requested.notified().await;
            is_requested.store(false, Ordering::Relaxed);
            if !self.hub.wake_sessions() {
                return;
            }
        }
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        let Hub { waking, abandoned, .. } = &*self.hub;
        waking.is_taken.store(false, Ordering::Relaxed);
        if !self.hub.is_closed() {
            // Only a runtime that ends drops it before the stream is closed, and the sessions too.
            abandoned.store(true, Ordering::Relaxed);
        }
        // It may have been asked to, and has not begun.
        self.hub.wake_sessions();
    }
}
