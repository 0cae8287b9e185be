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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: (usize, usize, usize, usize), expected: (u64, u64, u64, u64)) {
        let (max_size, size, available, waiting) = status;
        let (used, idle, queued, connecting) = expected;
        let expected = PoolLevels {
            used: Some(used),
            idle: Some(idle),
            max: Some(max_size as u64),
            waiting: Some(queued),
            connecting: Some(connecting),
        };
        let found = levels(Status { max_size, size, available, waiting });
        assert_eq!(found, expected, "{status:?}");
    }

    #[test]
    fn callers_whose_connection_is_opened_do_not_wait() {
        check((8, 0, 0, 1), (0, 0, 0, 1));
        check((2, 0, 0, 10), (0, 0, 8, 2));
        check((2, 1, 0, 9), (1, 0, 8, 1));
        check((2, 2, 0, 8), (2, 0, 8, 0));
    }

    #[test]
    fn a_shrunk_pool_has_no_waiting_callers_while_its_holders_are_fewer_than_its_connections() {
        check((1, 2, 0, 0), (2, 0, 0, 0));
        check((1, 2, 0, 3), (2, 0, 3, 0));
        check((0, 1, 0, 0), (1, 0, 0, 0));
    }

    #[test]
    fn idle_connections_are_what_nobody_uses() {
        check((8, 5, 3, 0), (2, 3, 0, 0));
    }
}
