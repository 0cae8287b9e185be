//! The handle of a watched pool of any kind.
//!
//! Guards follow each wait and hold from its start. For pools whose hooks run only after the end
//! of a wait or hold, other methods record durations; then ages, leaks and peaks are unknown and
//! not shown. Each poll calls a closure for the pool's levels, which lives as long as the handle.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{InstanceHandle, Peak, Registry, lock};

use crate::cells::Outcome;
use crate::checkout::Acquiring;
use crate::recorder::Recorder;
use crate::thresholds::Thresholds;
use crate::watched::WatchedPool;

/// Records waits and holds of one pool of any kind; clones share everything.
///
/// Call [`acquire`](Self::acquire) before you ask the pool for a connection, end the returned
/// guard by the outcome, and keep the [`Checkout`](crate::Checkout) beside the connection. The
/// guide `docs/watch-a-pool.md` has whole wrappers.
///
/// ```
/// use node0_db_pool_monitor::{Checkout, PoolHandle, PoolLevels, PoolMonitor};
/// use node0_metrics_core::Registry;
///
/// # #[derive(Debug)]
/// # enum Error { TimedOut, Closed }
/// # struct Connection;
/// # struct Pool;
/// # impl Pool {
/// #     fn get(&self) -> Result<Connection, Error> { Ok(Connection) }
/// # }
/// fn get(pool: &Pool, handle: &PoolHandle) -> Result<(Checkout, Connection), Error> {
///     let acquiring = handle.acquire();
///     match pool.get() {
///         Ok(connection) => Ok((acquiring.acquired(), connection)),
///         Err(error) => {
///             match error {
///                 Error::TimedOut => acquiring.timed_out(),
///                 Error::Closed => acquiring.failed(),
///             }
///             Err(error)
///         }
///     }
/// }
///
/// let registry = Registry::new();
/// let monitor = PoolMonitor::register(&registry)?;
/// let handle = monitor.pool("main", || Some(PoolLevels::default()))?;
/// let (checkout, connection) = get(&Pool, &handle).expect("the pool is open");
/// drop(checkout); // the use of the connection ends here
/// drop(connection);
/// drop(handle.acquire()); // a caller that gave up
///
/// let metrics = monitor.metrics(&registry.read(), "main").expect("it is watched");
/// assert_eq!((metrics.acquired, metrics.cancelled), (1, 1));
/// assert_eq!(metrics.active_connections, None); // the closure did not return it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// If you only know a wait after its end, call [`acquired`](Self::acquired),
/// [`timed_out`](Self::timed_out), [`failed`](Self::failed) or [`cancelled`](Self::cancelled)
/// with its duration, and [`released`](Self::released) once for each acquired connection. These
/// calls take no lock, read no clock and do not allocate, except for the first value of each
/// kind on a thread. Use either guards or durations for one pool: durations show no ages and no
/// leaks.
///
/// When the last clone is dropped, the pool's series are removed at the next tick, and its name
/// is free at once.
#[derive(Clone, Debug)]
#[must_use = "a pool is watched as long as a handle to it lives"]
pub struct PoolHandle {
    /// Needed for the switch of measuring, and for series that the first guard registers.
    pub(crate) registry: Registry,
    pub(crate) pool: InstanceHandle<WatchedPool>,
    /// The pool's own, kept here so that a record follows one pointer less.
    recorder: Arc<Recorder>,
}

impl PoolHandle {
    pub(crate) fn new(registry: Registry, pool: InstanceHandle<WatchedPool>) -> Self {
        let recorder = pool.recorder.clone();
        Self { registry, pool, recorder }
    }

    /// The name under which the pool is watched.
    pub fn name(&self) -> &str {
        self.pool.name()
    }

    /// Starts a wait for a connection.
    ///
    /// From the first call on, the pool shows ages, leaks and the peak of connections in use. A
    /// leak is reported with the line of this call. A wait and a hold together cost three readings
    /// of the clock and four short locks. While measuring is switched off the guards record
    /// nothing.
    #[track_caller]
    pub fn acquire(&self) -> Acquiring {
        self.acquire_at(Location::caller())
    }

    /// Starts a wait for a caller at another place in the code.
    pub(crate) fn acquire_at(&self, caller: &'static Location<'static>) -> Acquiring {
        if !self.registry.is_measuring() {
            return Acquiring(None);
        }
        let recorder = self.recorder.clone();
        recorder.used_peak.get_or_init(|| {
            // Fails only if another metric has the name; the other series are still recorded.
            let tracked = self.pool.track(&self.registry, self.name());
            tracked.unwrap_or(Peak::disabled())
        });
        let since = recorder.clock.now();
        let mut acquiring = Acquiring::start(recorder, since, caller);
        acquiring.enter();
        acquiring
    }

    /// Records a wait that ended with a connection.
    #[inline]
    pub fn acquired(&self, wait: Duration) {
        self.recorder.ends.waited(wait, Outcome::Acquired);
    }

    /// Records a wait that ended because the pool's own deadline passed.
    pub fn timed_out(&self, wait: Duration) {
        self.recorder.ends.waited(wait, Outcome::TimedOut);
    }

    /// Records a wait that ended because no connection could be opened, or the pool is closed.
    pub fn failed(&self, wait: Duration) {
        self.recorder.ends.waited(wait, Outcome::Failed);
    }

    /// Records a wait that its caller gave up, such as by dropping its future.
    pub fn cancelled(&self, wait: Duration) {
        self.recorder.ends.waited(wait, Outcome::Cancelled);
    }

    /// Records the end of a hold, whether the connection was returned or lost.
    #[inline]
    pub fn released(&self, held: Duration) {
        self.recorder.ends.hold.record(held);
    }

    /// Replaces the thresholds that the pool is judged by, from the next judgement on; before
    /// that they are [`Thresholds::default`].
    pub fn set_thresholds(&self, thresholds: Thresholds) {
        *lock(&self.pool.thresholds) = thresholds;
    }
}
