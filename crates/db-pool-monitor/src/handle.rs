//! The handle of a watched pool of any kind.
//!
//! Guards follow each wait and hold from its start. For pools whose hooks run only after the end
//! of a wait or hold, other methods record durations; then ages, leaks and peaks are unknown and
//! not shown. Each poll calls a closure for the pool's levels, which lives as long as the handle.

use std::panic::Location;
use std::time::Duration;

use metrics_core::{InstanceHandle, Peak, Registry, lock};

use crate::cells::Outcome;
use crate::checkout::Acquiring;
use crate::descs::CONNECTIONS_USED_PEAK;
use crate::thresholds::Thresholds;
use crate::watched::WatchedPool;

/// Records waits and holds of one pool of any kind; clones share everything.
///
/// Call [`acquire`](Self::acquire) before you ask the pool for a connection, end the returned
/// guard by the outcome, and keep the [`Checkout`](crate::Checkout) beside the connection:
///
/// ```
/// use db_pool_monitor::{Checkout, PoolHandle, PoolLevels, PoolMonitor};
/// use metrics_core::Registry;
///
/// # mod sqlx {
/// #     #[derive(Debug)]
/// #     pub(crate) enum Error { PoolTimedOut, PoolClosed }
/// #     pub(crate) struct PoolConnection;
/// #     #[derive(Clone)]
/// #     pub(crate) struct PgPool;
/// #     impl PgPool {
/// #         pub(crate) async fn acquire(&self) -> Result<PoolConnection, Error> { Ok(PoolConnection) }
/// #         pub(crate) fn size(&self) -> u32 { 4 }
/// #         pub(crate) fn num_idle(&self) -> usize { 3 }
/// #         pub(crate) fn is_closed(&self) -> bool { false }
/// #     }
/// # }
/// # use sqlx::{PgPool, PoolConnection};
/// async fn acquire(
///     pool: &PgPool,
///     handle: &PoolHandle,
/// ) -> Result<(Checkout, PoolConnection), sqlx::Error> {
///     let acquiring = handle.acquire();
///     match pool.acquire().await {
///         Ok(connection) => Ok((acquiring.acquired(), connection)),
///         Err(error) => {
///             match error {
///                 sqlx::Error::PoolTimedOut => acquiring.timed_out(),
///                 _ => acquiring.failed(),
///             }
///             Err(error)
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let pool = PgPool;
/// let registry = Registry::new();
/// let monitor = PoolMonitor::register(&registry)?;
/// let asked = pool.clone();
/// let handle = monitor.pool("main", move || {
///     let (size, idle) = (u64::from(asked.size()), asked.num_idle() as u64);
///     let (used, idle, max) = (Some(size.saturating_sub(idle)), Some(idle), Some(10));
///     (!asked.is_closed()).then_some(PoolLevels { used, idle, max, ..PoolLevels::default() })
/// })?;
///
/// let (checkout, connection) = acquire(&pool, &handle).await.expect("the pool is open");
/// drop(checkout); // the use of the connection ends here
/// drop(connection);
/// drop(handle.acquire()); // a caller that gave up
///
/// let metrics = monitor.metrics(&registry.read(), "main").expect("it is watched");
/// assert_eq!((metrics.acquired, metrics.cancelled), (1, 1));
/// assert_eq!((metrics.active_connections, metrics.idle_connections), (Some(1), Some(3)));
/// assert_eq!(metrics.waiting_clients, None); // sqlx does not count them
/// # Ok(())
/// # })
/// # }
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
}

impl PoolHandle {
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
        if !self.registry.is_measuring() {
            return Acquiring::unmeasured();
        }
        let recorder = self.pool.recorder.clone();
        recorder.used_peak.get_or_init(|| self.begin_tracking());
        let since = recorder.clock.now();
        let mut acquiring = Acquiring::start(recorder, since, Location::caller());
        acquiring.enter();
        acquiring
    }

    /// Registers the series of ages, leaks and the peak of connections in use; returns the peak.
    fn begin_tracking(&self) -> Peak {
        // Fails only if another metric has the name. The guard then records the rest.
        let _ = self.pool.show_ages(&self.registry, self.name());
        let peak = self.registry.peak(&CONNECTIONS_USED_PEAK, &[self.name()]);
        peak.unwrap_or(Peak::disabled())
    }

    /// Records a wait that ended with a connection.
    #[inline]
    pub fn acquired(&self, wait: Duration) {
        self.waited(wait, Outcome::Acquired);
    }

    /// Records a wait that ended because the pool's own deadline passed.
    pub fn timed_out(&self, wait: Duration) {
        self.waited(wait, Outcome::TimedOut);
    }

    /// Records a wait that ended because no connection could be opened, or the pool is closed.
    pub fn failed(&self, wait: Duration) {
        self.waited(wait, Outcome::Failed);
    }

    /// Records a wait that its caller gave up, such as by dropping its future.
    pub fn cancelled(&self, wait: Duration) {
        self.waited(wait, Outcome::Cancelled);
    }

    /// Records the end of a hold, whether the connection was returned or lost.
    #[inline]
    pub fn released(&self, held: Duration) {
        self.pool.recorder.ends.hold.record(held);
    }

    /// Replaces the thresholds that the pool is judged by, from the next judgement on; before
    /// that they are [`Thresholds::default`].
    pub fn set_thresholds(&self, thresholds: Thresholds) {
        *lock(&self.pool.thresholds) = thresholds;
    }

    #[inline]
    fn waited(&self, wait: Duration, outcome: Outcome) {
        self.pool.recorder.ends.waited(wait, outcome);
    }
}
