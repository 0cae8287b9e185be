//! Readiness: the answer to a load balancer that asks whether the service takes traffic.
//!
//! A probe must not wait for a dependency, and a thousand probes must not call the
//! dependency a thousand times. So the checks run in the background, each with a timeout
//! and never twice at the same time, and a probe reads the last results. A check goes from
//! `pass` to `fail` after two failures in a row, and back after two successes, so that one
//! lost packet does not stop the traffic. The first result counts at once, so that the
//! start is not delayed.
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

/// The longest time that can be set, so that adding it to the current time cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The readiness of a service; clones share it.
///
/// The checks stop when the last clone is dropped.
///
/// ```
/// use http_server::{Readiness, ReadinessStatus};
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
    /// Adds a check, beside those that the registry's monitors bring.
    pub fn check(mut self, check: Arc<dyn ReadinessCheck>) -> Self {
        self.checks.push(check);
        self
    }

    /// Sets the time from one round of checks to the next; 1 s by default, from 1 ms to a year.
    pub fn interval(mut self, interval: Duration) -> Self {
        // tokio's interval panics if it is zero.
        self.interval = interval.clamp(Duration::from_millis(1), LONGEST);
        self
    }

    /// Sets the time after which a check counts as failed; 1 s by default, a year at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(LONGEST);
        self
    }

    /// Runs the checks on a thread of their own; by default they run on the current runtime.
    ///
    /// A check that blocks then blocks this thread and the other checks, but no worker of the
    /// runtime. If the system cannot start a thread, the checks run on the runtime.
    pub fn own_thread(mut self) -> Self {
        self.thread = CheckThread::start().ok();
        self
    }

    /// Starts running the checks in the background.
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
    /// Starts to build a readiness from the checks of a registry's monitors.
    ///
    /// Monitors that are registered later are included from the next round on.
    pub fn builder(registry: &Registry) -> ReadinessBuilder {
        ReadinessBuilder {
            registry: registry.clone(),
            checks: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            thread: None,
        }
    }

    /// Marks the service as started: from now on the checks decide the status.
    pub fn started(&self) {
        lock(&self.inner.board).start();
    }

    /// Marks the service as about to stop; the status is `Draining` from now on and never changes again.
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

/// Locks the board; poisoning is ignored, since no code of others runs under the lock.
fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
