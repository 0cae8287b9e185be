//! The levels of a pool, as far as they are known.

use node0_metrics_core::levels;

use crate::descs::{CONNECTING_REQUESTS, CONNECTIONS, CONNECTIONS_MAX, PENDING_REQUESTS};

levels! {
    /// Connections and callers of a pool at one moment; `None` for a level that is not known.
    ///
    /// ```
    /// use node0_db_pool_monitor::PoolLevels;
    ///
    /// let levels = PoolLevels { used: Some(3), max: Some(10), ..PoolLevels::default() };
    /// assert_eq!(levels.waiting, None);
    /// ```
    #[derive(Eq)]
    pub struct PoolLevels of u64, shown by pub(crate) PoolGauges {
        /// Open connections that callers hold.
        used = CONNECTIONS ["used"],
        /// Open connections that nobody holds.
        idle = CONNECTIONS ["idle"],
        /// Connections that the pool allows.
        max = CONNECTIONS_MAX,
        /// Callers that wait because all connections the pool allows are taken.
        waiting = PENDING_REQUESTS,
        /// Callers whose connection is being opened.
        connecting = CONNECTING_REQUESTS,
    }
}

impl PoolLevels {
    /// Open connections.
    pub(crate) fn size(&self) -> Option<u64> {
        Some(self.used? + self.idle?)
    }
}
