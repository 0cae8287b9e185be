//! What deadpool says of its own pools.

use deadpool::Status;
use deadpool::managed::{Manager, WeakPool};

use crate::attached::Source;
use crate::levels::PoolLevels;

impl<M: Manager> Source for WeakPool<M> {
    fn is_alive(&self) -> bool {
        self.upgrade().is_some()
    }

    fn levels(&self) -> Option<PoolLevels> {
        Some(levels(self.upgrade()?.status()))
    }
}

/// Reads a pool's status, whose `waiting` also counts callers that are being connected.
pub(super) fn levels(status: Status) -> PoolLevels {
    let used = status.size.saturating_sub(status.available);
    let waiting = waiting(status);
    PoolLevels::default()
        .used(used as u64)
        .idle(status.available as u64)
        .max(status.max_size as u64)
        .waiting(waiting as u64)
        .connecting(status.waiting.saturating_sub(waiting) as u64)
}

/// Callers without a permit: as many as are too many for the pool.
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
        let expected = PoolLevels::default().used(used).idle(idle).max(max_size as u64);
        let expected = expected.waiting(queued).connecting(connecting);
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
