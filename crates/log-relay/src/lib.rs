//! Log messages that are written by a thread of their own.
//!
//! A subscriber of [`tracing`] is code of the host. It may write to a pipe that nobody reads any more,
//! and so never return; or print to a terminal that is gone, and panic. A thread that logs is then
//! blocked or ended by its own message. For a thread that samples a service or answers its probes
//! this is worse than the loss of a message.
//!
//! So the messages are passed to one thread, which writes them in order. What it cannot take in
//! time is dropped and counted, and a subscriber that panics is called again for the next message.
//!
//! ```
//! use std::time::Duration;
//!
//! let check = "database";
//! node0_log_relay::log(move || tracing::warn!(check, "readiness check fails"));
//!
//! // At the end of a program, so that the last messages are written.
//! assert!(node0_log_relay::flush(Duration::from_secs(1)));
//! assert_eq!(node0_log_relay::lost(), 0);
//! ```
//!
//! A message is written to the subscriber of the thread that sent it, but in none of its spans.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use tracing::Dispatch;
use tracing::dispatcher;

/// The most messages that wait to be written; further ones are dropped.
pub const MOST_WAITING: usize = 256;

static RELAY: OnceLock<Option<SyncSender<Job>>> = OnceLock::new();
static LOST: AtomicU64 = AtomicU64::new(0);

enum Job {
    Write(Dispatch, Box<dyn FnOnce() + Send>),
    /// Answered when all jobs before it are done.
    Flush(Sender<()>),
}

/// Writes a message, soon and on another thread.
///
/// `write` calls a macro of [`tracing`]. The cost here is an allocation and a place in a queue,
/// whether the level of the message is enabled or not; it never blocks. The message is dropped
/// if [`MOST_WAITING`] others wait, or if the system has no thread for it.
pub fn log(write: impl FnOnce() + Send + 'static) {
    let dispatch = dispatcher::get_default(Dispatch::clone);
    let job = Job::Write(dispatch, Box::new(write));
    if relay().is_none_or(|relay| relay.try_send(job).is_err()) {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the number of messages of this process that were dropped, or whose subscriber panicked.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Waits until the messages that were sent before are written; `false` if that takes longer than
/// `timeout`.
pub fn flush(timeout: Duration) -> bool {
    let (done, wait) = mpsc::channel();
    // A queue that is full is not waited for: a subscriber that hangs would keep it so.
    relay().is_some_and(|relay| relay.try_send(Job::Flush(done)).is_ok())
        && wait.recv_timeout(timeout).is_ok()
}

/// Returns the queue of the thread, which is started with the first message.
fn relay() -> Option<&'static SyncSender<Job>> {
    let start = || {
        let (relay, jobs) = mpsc::sync_channel(MOST_WAITING);
        let thread = thread::Builder::new().name("node0-log".into());
        thread.spawn(move || work(&jobs)).ok().map(|_| relay)
    };
    RELAY.get_or_init(start).as_ref()
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        let done = match job {
            // The last handle to a subscriber may be dropped in it too.
            Job::Write(dispatch, write) => catch_unwind(AssertUnwindSafe(move || {
                dispatcher::with_default(&dispatch, write);
            })),
            Job::Flush(done) => {
                // Who asked may have stopped waiting.
                let _ = done.send(());
                Ok(())
            }
        };
        if let Err(payload) = done {
            LOST.fetch_add(1, Ordering::Relaxed);
            // Its destructor is code of others, which may panic as well.
            mem::forget(payload);
        }
    }
}
