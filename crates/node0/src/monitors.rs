//! The monitors that come with node0, in one table.
//!
//! Each line of the table registers a monitor and gives [`Monitoring`] a getter with its name.

use breaker_monitor::BreakerMonitor;
use cache_monitor::CacheMonitor;
use db_pool_monitor::PoolMonitor;
use metrics_core::{RegisterError, Registry};
use performance_monitor::PerformanceMonitor;
use system_monitor::SystemMonitor;

use crate::monitoring::Monitoring;

macro_rules! monitors {
    ($($(#[$doc:meta])* $name:ident: $monitor:ty;)*) => {
        /// One of each monitor.
        #[derive(Debug)]
        pub(crate) struct Monitors {
            $(pub(crate) $name: $monitor,)*
        }

        impl Monitors {
            pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
                Ok(Self { $($name: <$monitor>::register(registry)?,)* })
            }
        }

        impl Monitoring {
            $(
                $(#[$doc])*
                pub fn $name(&self) -> &$monitor {
                    &self.monitors().$name
                }
            )*
        }
    };
}

monitors! {
    /// The monitor of operations: latency and throughput by name.
    performance: PerformanceMonitor;
    /// The monitor of database pools.
    database: PoolMonitor;
    /// The monitor of caches.
    cache: CacheMonitor;
    /// The monitor of circuit breakers.
    breakers: BreakerMonitor;
    /// The monitor of the process and of runtimes.
    ///
    /// The runtime on which the monitoring was built, or first asked for readiness, is attached
    /// to it as `main`.
    system: SystemMonitor;
}
