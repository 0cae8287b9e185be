//! The thread on which a check runs, if the host wants one for each.
//!
//! A check that blocks also blocks the thread that polls it. On a thread of its own, it blocks
//! neither a worker of the host's runtime nor another check.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A runtime on a thread of its own.
///
/// Both end after this is dropped, once no check blocks the thread any more.
#[derive(Debug)]
pub(super) struct CheckThread {
    handle: Handle,
    /// Dropping it ends the thread.
    _running: oneshot::Sender<()>,
}

impl CheckThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system cannot start a thread or create its event queue.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        let run = move || {
            // Waits until the sender is dropped, which the receiver sees as an error.
            let _ = runtime.block_on(stopped);
        };
        thread::Builder::new().name("node0-readiness".into()).spawn(run)?;
        Ok(Self { handle, _running: running })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}
