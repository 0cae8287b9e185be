//! Readiness: the answer to a load balancer that asks whether the service takes traffic.
//!
//! A probe must not wait for a dependency, and a thousand probes must not call the
//! dependency a thousand times. So the checks run in the background, each with a timeout
//! and never twice at the same time, and a probe reads the last results. A check goes from
//! `pass` to `fail` after two failures in a row, and back after two successes, so that one
//! lost packet does not stop the traffic. The first result counts at once, so that the
//! start is not delayed.
//!
//! A result counts for some seconds only: if nobody runs the checks any more, they fail.
//!
//! The health score has no influence on readiness.

mod board;
mod listing;
mod runner;
mod thread;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use node0_metrics_core::{NotReady, ReadinessCheck, Registry};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use board::Board;
pub use board::{CheckReport, CheckStatus, ReadinessReport, ReadinessStatus};
use runner::Runner;

/// The longest time that can be set, so that adding it to the current time cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The readiness of a service; clones share it.
///
/// The checks stop when the last clone is dropped. If their runtime ends before, they go on in the
/// runtime that asks for the status next; until then their last results are too old to count.
///
/// ```
/// use node0_http_server::{Readiness, ReadinessStatus};
/// use node0_metrics_core::{NotReady, Registry};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let readiness = Readiness::builder(&Registry::new())
///     .check_fn("licence", || async { Err(NotReady::new("it has expired")) })
///     .start();
/// assert_eq!(readiness.status(), ReadinessStatus::Starting);
/// # while readiness.status() == ReadinessStatus::Starting { tokio::task::yield_now().await }
/// // As soon as the check has a result:
/// assert_eq!(readiness.status(), ReadinessStatus::NotReady);
/// readiness.drain();
/// assert_eq!(readiness.status(), ReadinessStatus::Draining);
/// # });
/// ```
#[derive(Clone)]
pub struct Readiness {
    inner: Arc<Inner>,
}

struct Inner {
    board: Arc<Mutex<Board>>,
    settings: Settings,
    runner: Mutex<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        lock(&self.runner).abort();
    }
}

/// Settings for [`Readiness`].
#[must_use = "call `start` to run the checks"]
pub struct ReadinessBuilder {
    settings: Settings,
    waits_for_started: bool,
}

/// The settings that a runner is started with.
struct Settings {
    registry: Registry,
    checks: Vec<Arc<dyn ReadinessCheck>>,
    interval: Duration,
    timeout: Duration,
    has_own_thread: bool,
}

impl ReadinessBuilder {
    /// Adds a check, beside those that the registry's monitors bring.
    pub fn check(mut self, check: Arc<dyn ReadinessCheck>) -> Self {
        self.settings.checks.push(check);
        self
    }

    /// Adds a check that is a function.
    pub fn check_fn<F, R>(self, name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), NotReady>> + Send + 'static,
    {
        self.check(Arc::new(CheckFn { name: name.into(), check }))
    }

    /// Sets the time from one round of checks to the next; 1 s by default, from 1 ms to a year.
    pub fn interval(mut self, interval: Duration) -> Self {
        // tokio's interval panics if it is zero.
        self.settings.interval = interval.clamp(Duration::from_millis(1), LONGEST);
        self
    }

    /// Sets the time after which a check counts as failed; 1 s by default, a year at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout.min(LONGEST);
        self
    }

    /// Runs each check on a thread of its own; by default all run on the current runtime.
    ///
    /// A check that blocks then blocks its thread, but no worker of the runtime and no other
    /// check. If the system cannot start a thread, the check runs on the runtime.
    pub fn own_thread(mut self) -> Self {
        self.settings.has_own_thread = true;
        self
    }

    /// Keeps the status at `Starting` until [`Readiness::started`] is called; by default the service
    /// is ready as soon as its checks pass.
    pub fn waits_for_started(mut self) -> Self {
        self.waits_for_started = true;
        self
    }

    /// Starts running the checks in the background.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> Readiness {
        let Self { settings, waits_for_started } = self;
        let board = Arc::new(Mutex::new(Board::new(settings.lasting())));
        if !waits_for_started {
            lock(&board).start();
        }
        let runner = settings.runner(&board);
        runner.announce();
        let runner = Mutex::new(tokio::spawn(runner.run(settings.interval)));
        Readiness { inner: Arc::new(Inner { board, settings, runner }) }
    }
}

impl fmt::Debug for ReadinessBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessBuilder")
            .field("interval", &self.settings.interval)
            .field("timeout", &self.settings.timeout)
            .finish_non_exhaustive()
    }
}

impl Settings {
    fn runner(&self, board: &Arc<Mutex<Board>>) -> Runner {
        let Self { registry, checks, timeout, has_own_thread, .. } = self;
        let threads = has_own_thread.then(BTreeMap::new);
        Runner::new(registry.clone(), checks.clone(), board.clone(), *timeout, threads)
    }

    /// The time for which a result counts: a runner that works has another one within half of it.
    fn lasting(&self) -> Duration {
        // A round waits for the list of the checks, and then for the checks.
        2 * (self.interval + 3 * self.timeout)
    }
}

/// A check that is a function.
struct CheckFn<F> {
    name: String,
    check: F,
}

impl<F, R> ReadinessCheck for CheckFn<F>
where
    F: Fn() -> R + Send + Sync,
    R: Future<Output = Result<(), NotReady>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin((self.check)())
    }
}

impl Readiness {
    /// Starts to build a readiness from the checks of a registry's monitors.
    ///
    /// Monitors that are registered later are included from the next round on.
    pub fn builder(registry: &Registry) -> ReadinessBuilder {
        let settings = Settings {
            registry: registry.clone(),
            checks: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            has_own_thread: false,
        };
        ReadinessBuilder { settings, waits_for_started: false }
    }

    /// Marks the service as started: from now on the checks decide the status.
    ///
    /// It has an effect if [`ReadinessBuilder::waits_for_started`] was set.
    pub fn started(&self) {
        lock(&self.inner.board).start();
    }

    /// Marks the service as about to stop; the status is `Draining` from now on and never changes again.
    pub fn drain(&self) {
        lock(&self.inner.board).drain();
    }

    /// Returns the status.
    pub fn status(&self) -> ReadinessStatus {
        self.keep_running();
        lock(&self.inner.board).status()
    }

    /// Returns the status and the last result of each check.
    pub fn report(&self) -> ReadinessReport {
        self.keep_running();
        lock(&self.inner.board).report()
    }

    /// Starts the runner again if its runtime has ended and this is called in another one.
    fn keep_running(&self) {
        let Inner { board, settings, runner } = &*self.inner;
        let mut runner = lock(runner);
        if runner.is_finished()
            && let Ok(runtime) = Handle::try_current()
        {
            *runner = runtime.spawn(settings.runner(board).run(settings.interval));
            node0_log_relay::log(|| {
                tracing::warn!(
                    "the runtime of the readiness checks has ended: they go on in another"
                );
            });
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("board", &self.inner.board).finish_non_exhaustive()
    }
}

/// Locks a part of the readiness; poisoning is ignored, since no code of others runs under the lock.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
