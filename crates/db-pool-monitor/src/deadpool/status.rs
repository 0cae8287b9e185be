//! The levels of a deadpool, from its own status.

use deadpool::Status;
use deadpool::managed::{Manager, WeakPool};

use crate::levels::PoolLevels;
use crate::watched::Source;

impl<M: Manager> Source for WeakPool<M> {
    fn is_alive(&self) -> bool {
        self.upgrade().is_some_and(|pool| !pool.is_closed())
    }

    fn levels(&self) -> Option<PoolLevels> {
        Some(levels(self.upgrade()?.status()))
    }
}

/// Reads a pool's status, whose `waiting` also counts callers that are being connected.
pub(super) fn levels(status: Status) -> PoolLevels {
    let waiting = waiting(status);
    PoolLevels {
        used: Some(status.size.saturating_sub(status.available) as u64),
        idle: Some(status.available as u64),
        max: Some(status.max_size as u64),
        waiting: Some(waiting as u64),
        connecting: Some(status.waiting.saturating_sub(waiting) as u64),
    }
}

/// The callers without a permit: those beyond the number of connections that the pool allows.
pub(super) fn waiting(status: Status) -> usize {
    let callers = status.size.saturating_sub(status.available) + status.waiting;
    // A pool that was shrunk keeps a permit for each connection until that is returned.
    callers.saturating_sub(status.max_size.max(status.size))
}
