//! The handle by which a pool of any kind is watched.
//!
//! Guards follow each wait and hold from its start. A pool that reports only
//! when a wait or a hold has ended, as some hooks do, reports durations instead;
//! then ages, leaks and peaks cannot be known, and none of them is shown. How
//! full the pool is, a poll asks a closure that lives as long as the handle.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use metrics_core::{Peak, Registry};

use crate::attached::Source;
use crate::cells::PoolCells;
use crate::checkout::Acquiring;
use crate::descs::CONNECTIONS_USED_PEAK;
use crate::levels::PoolLevels;
use crate::tracked::{Ages, LateAges, Tracked};

/// Records what happens to one pool, of any kind; clones share everything.
///
/// Call [`acquire`](Self::acquire) before you ask the pool for a connection, end the
/// guard by what came of it, and keep the [`Checkout`](crate::Checkout) beside the
/// connection:
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
///     let levels = PoolLevels::default().used(size.saturating_sub(idle)).idle(idle).max(10);
///     (!asked.is_closed()).then_some(levels)
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
/// A pool that reports a wait or a hold when it has ended calls [`acquired`](Self::acquired),
/// [`timed_out`](Self::timed_out), [`failed`](Self::failed) or [`cancelled`](Self::cancelled)
/// with its duration, and [`released`](Self::released) once for each acquired connection.
/// These calls take no lock, read no clock and do not allocate, but for the first value of
/// its kind on a thread. Use either guards or durations for one pool: what is reported by
/// duration has no age and cannot leak.
///
/// With the last clone the pool's series go at the next tick, and its name is free at once.
#[derive(Clone)]
#[must_use = "a pool is watched as long as a handle to it lives"]
pub struct PoolHandle {
    shared: Arc<Shared>,
}

/// What all clones share; the watch holds it weakly, so the closure ends with the last clone.
pub(crate) struct Shared {
    registry: Registry,
    cells: PoolCells,
    levels: Box<dyn Fn() -> Option<PoolLevels> + Send + Sync>,
    /// Filled by the first guard, as are the ages.
    tracked: OnceLock<Arc<Tracked>>,
    /// The watch's own, so that they end when the pool is gone.
    ages: Weak<OnceLock<Ages>>,
}

impl PoolHandle {
    pub(crate) fn new(
        registry: Registry,
        cells: PoolCells,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
        ages: &LateAges,
    ) -> Self {
        let (levels, ages) = (Box::new(levels), Arc::downgrade(ages));
        let shared = Shared { registry, cells, levels, tracked: OnceLock::new(), ages };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn source(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    /// The name under which the pool is watched.
    pub fn name(&self) -> &str {
        &self.shared.cells.name
    }

    /// Starts a wait for a connection.
    ///
    /// From the first call on the pool shows ages, leaks and the peak of connections in use.
    /// A leak is reported with the line of code that called this. A wait and a hold cost three
    /// readings of the clock and four short locks. While measuring is switched off the guards
    /// record nothing.
    #[track_caller]
    pub fn acquire(&self) -> Acquiring {
        if !self.shared.registry.is_measuring() {
            return Acquiring::unmeasured();
        }
        let tracked = self.shared.tracked().clone();
        let since = tracked.clock.now();
        let mut acquiring = Acquiring::start(tracked, since, Location::caller());
        acquiring.enter();
        acquiring
    }

    /// Records a wait that ended with a connection.
    #[inline]
    pub fn acquired(&self, wait: Duration) {
        self.shared.cells.waited(wait, |outcomes| &outcomes.acquired);
    }

    /// Records a wait that ended because the pool's own deadline passed.
    pub fn timed_out(&self, wait: Duration) {
        self.shared.cells.waited(wait, |outcomes| &outcomes.timed_out);
    }

    /// Records a wait that ended because no connection could be opened, or the pool is closed.
    pub fn failed(&self, wait: Duration) {
        self.shared.cells.waited(wait, |outcomes| &outcomes.failed);
    }

    /// Records a wait that its caller gave up, such as by dropping its future.
    pub fn cancelled(&self, wait: Duration) {
        self.shared.cells.waited(wait, |outcomes| &outcomes.cancelled);
    }

    /// Records that an acquired connection is held no more, whatever became of it.
    #[inline]
    pub fn released(&self, held: Duration) {
        self.shared.cells.hold.record(held);
    }
}

impl Shared {
    /// Returns what guards record into, and shows it from the first call on.
    fn tracked(&self) -> &Arc<Tracked> {
        self.tracked.get_or_init(|| {
            let (registry, cells) = (&self.registry, self.cells.clone());
            // Another metric may have the name of a late series; a guard still records the rest.
            let peak = registry.peak(&CONNECTIONS_USED_PEAK, &[&cells.name]);
            let peak = peak.unwrap_or(Peak::disabled());
            let tracked = Arc::new(Tracked::new(registry, cells, peak));
            if let Some(late) = self.ages.upgrade()
                && let Ok(ages) = Ages::register(registry, tracked.clone())
            {
                late.get_or_init(|| ages);
            }
            tracked
        })
    }
}

impl Source for Weak<Shared> {
    fn is_alive(&self) -> bool {
        self.strong_count() > 0
    }

    fn levels(&self) -> Option<PoolLevels> {
        (self.upgrade()?.levels)()
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolHandle").field("name", &self.name()).finish_non_exhaustive()
    }
}
