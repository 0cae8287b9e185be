//! Readiness: the answer to a load balancer that asks for traffic to send.
//!
//! A probe must not wait for a dependency, and a thousand probes must not call it a
//! thousand times. So checks run in the background, each with a timeout and never twice
//! at once, and a probe reads the last results. A check goes down after two failures in
//! a row and comes back after two successes, so that one lost packet does not stop the
//! traffic. The first result counts at once, so that the start is not delayed.
//!
//! The health score has no influence on readiness.

mod board;
mod listing;
mod runner;
mod thread;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics_core::{ReadinessCheck, Registry};
use tokio::task::JoinHandle;

use board::Board;
pub use board::{CheckReport, CheckStatus, ReadinessReport, ReadinessStatus};
use runner::Runner;
use thread::CheckThread;

/// The longest time that can be set: a deadline must be a moment that the clock can tell.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The readiness of a service; clones share it, and the last one ends the checks.
///
/// ```
/// use http_glue::{Readiness, ReadinessStatus};
/// use metrics_core::Registry;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let readiness = Readiness::builder(&Registry::new()).start();
/// assert_eq!(readiness.status(), ReadinessStatus::Starting);
/// readiness.started();
/// assert_eq!(readiness.status(), ReadinessStatus::Ready);
/// readiness.drain();
/// assert_eq!(readiness.status(), ReadinessStatus::Draining);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Readiness {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    board: Arc<Mutex<Board>>,
    runner: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

/// Settings for [`Readiness`].
#[must_use = "call `start` to run the checks"]
pub struct ReadinessBuilder {
    registry: Registry,
    checks: Vec<Arc<dyn ReadinessCheck>>,
    interval: Duration,
    timeout: Duration,
    thread: Option<CheckThread>,
}

impl ReadinessBuilder {
    /// Adds a check to those of the registry's monitors.
    pub fn check(mut self, check: Arc<dyn ReadinessCheck>) -> Self {
        self.checks.push(check);
        self
    }

    /// The time from one round of checks to the next; 1 s by default, a year at most.
    pub fn interval(mut self, interval: Duration) -> Self {
        // A runtime's interval may not be zero.
        self.interval = interval.clamp(Duration::from_millis(1), LONGEST);
        self
    }

    /// The time after which a check counts as failed; 1 s by default, a year at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(LONGEST);
        self
    }

    /// Asks the checks on a thread of their own instead of the current runtime.
    ///
    /// A check that blocks then blocks this thread and the other checks, but no worker of the
    /// runtime. If the system cannot start a thread, the checks run on the runtime.
    pub fn own_thread(mut self) -> Self {
        self.thread = CheckThread::start().ok();
        self
    }

    /// Starts the rounds of checks on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> Readiness {
        let board = Arc::new(Mutex::new(Board::new()));
        let runner =
            Runner::new(self.registry, self.checks, board.clone(), self.timeout, self.thread);
        runner.announce();
        let runner = tokio::spawn(runner.run(self.interval));
        Readiness { inner: Arc::new(Inner { board, runner }) }
    }
}

impl fmt::Debug for ReadinessBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessBuilder")
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Readiness {
    /// Returns settings for readiness that runs the checks of a registry's monitors, also of later ones.
    pub fn builder(registry: &Registry) -> ReadinessBuilder {
        ReadinessBuilder {
            registry: registry.clone(),
            checks: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            thread: None,
        }
    }

    /// Marks the service as started: from now on its checks decide.
    pub fn started(&self) {
        lock(&self.inner.board).start();
    }

    /// Marks the service as about to stop, for good: readiness is `draining` from now on.
    pub fn drain(&self) {
        lock(&self.inner.board).drain();
    }

    /// Returns the status.
    pub fn status(&self) -> ReadinessStatus {
        lock(&self.inner.board).status()
    }

    /// Returns the status and the last result of each check.
    pub fn report(&self) -> ReadinessReport {
        lock(&self.inner.board).report()
    }
}

/// Locks the board and ignores poisoning, since no holder of the lock calls a guest.
fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
