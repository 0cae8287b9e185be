//! The handle by which a pool of any kind is watched.
//!
//! It is told of waits and holds when they end, so it cannot know of those that go on:
//! neither leaks nor ages, nor peaks between two polls. None of that is shown. How full
//! the pool is a poll asks, of a closure that lives as long as the handle.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::attached::Source;
use crate::cells::PoolCells;
use crate::levels::PoolLevels;

/// Records what happens to one pool, of any kind; clones share everything.
///
/// Each wait for a connection is one call, when it ends: [`acquired`](Self::acquired),
/// [`timed_out`](Self::timed_out), [`failed`](Self::failed) or
/// [`cancelled`](Self::cancelled). An acquired connection is [`released`](Self::released)
/// once. Recording takes no lock, reads no clock and does not allocate, but for the first
/// value of its kind on a thread. With the last clone the pool's series go at the next
/// tick, and its name is free at once.
///
/// ```
/// use db_pool_monitor::{PoolLevels, PoolMonitor};
/// use metrics_core::Registry;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// # struct Pool;
/// # impl Pool {
/// #     fn size(&self) -> u64 { 4 }
/// #     fn num_idle(&self) -> u64 { 3 }
/// #     fn max(&self) -> u64 { 10 }
/// # }
/// let registry = Registry::new();
/// let monitor = PoolMonitor::register(&registry)?;
/// let pool = Arc::new(Pool);
///
/// let asked = Arc::downgrade(&pool);
/// let handle = monitor.pool("main", move || {
///     let pool = asked.upgrade()?; // or the pool is gone
///     let (size, idle) = (pool.size(), pool.num_idle());
///     Some(PoolLevels::default().used(size.saturating_sub(idle)).idle(idle).max(pool.max()))
/// })?;
/// handle.acquired(Duration::from_micros(40));
/// handle.released(Duration::from_millis(3));
/// handle.timed_out(Duration::from_secs(30));
///
/// let metrics = monitor.metrics(&registry.read(), "main").expect("it is there");
/// assert_eq!((metrics.acquired, metrics.timed_out), (1, 1));
/// assert_eq!((metrics.active_connections, metrics.idle_connections), (Some(1), Some(3)));
/// assert_eq!((metrics.waiting_clients, metrics.tracked), (None, None)); // nobody said
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a pool is watched as long as a handle to it lives"]
pub struct PoolHandle {
    told: Arc<Told>,
}

/// What all clones share; the watch holds it weakly, so the closure ends with the last clone.
pub(crate) struct Told {
    cells: PoolCells,
    levels: Box<dyn Fn() -> Option<PoolLevels> + Send + Sync>,
}

impl PoolHandle {
    pub(crate) fn new(
        cells: PoolCells,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
    ) -> Self {
        Self { told: Arc::new(Told { cells, levels: Box::new(levels) }) }
    }

    pub(crate) fn source(&self) -> Weak<Told> {
        Arc::downgrade(&self.told)
    }

    /// The name under which the pool is watched.
    pub fn name(&self) -> &str {
        &self.told.cells.name
    }

    /// Records a wait that ended with a connection.
    #[inline]
    pub fn acquired(&self, wait: Duration) {
        self.told.cells.waited(wait, |outcomes| &outcomes.acquired);
    }

    /// Records a wait that ended because the pool's own deadline passed.
    pub fn timed_out(&self, wait: Duration) {
        self.told.cells.waited(wait, |outcomes| &outcomes.timed_out);
    }

    /// Records a wait that ended because no connection could be opened, or the pool is closed.
    pub fn failed(&self, wait: Duration) {
        self.told.cells.waited(wait, |outcomes| &outcomes.failed);
    }

    /// Records a wait that its caller gave up, such as by dropping its future.
    pub fn cancelled(&self, wait: Duration) {
        self.told.cells.waited(wait, |outcomes| &outcomes.cancelled);
    }

    /// Records that an acquired connection is held no more, whatever became of it.
    #[inline]
    pub fn released(&self, held: Duration) {
        self.told.cells.hold.record(held);
    }
}

impl Source for Weak<Told> {
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
