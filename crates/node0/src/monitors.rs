//! The monitors that come with node0, in one table.
//!
//! Each line of the table gives [`Monitoring`] a getter with the monitor's name.

use node0_breaker_monitor::BreakerMonitor;
use node0_cache_monitor::CacheMonitor;
use node0_db_pool_monitor::PoolMonitor;
use node0_metrics_core::{RegisterError, Registry};
use node0_performance_monitor::{PerformanceMonitor, PerformanceMonitorBuilder};
use node0_system_monitor::{SystemMonitor, SystemMonitorBuilder};

use crate::monitoring::Monitoring;

macro_rules! monitors {
    ($($(#[$doc:meta])* $name:ident: $monitor:ty;)*) => {
        /// One of each monitor.
        #[derive(Debug)]
        pub(crate) struct Monitors {
            $(pub(crate) $name: $monitor,)*
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

/// The settings of those monitors that have some of their own, and not of each thing that they watch.
#[derive(Debug)]
pub(crate) struct MonitorSettings {
    pub(crate) performance: PerformanceMonitorBuilder,
    pub(crate) system: SystemMonitorBuilder,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self { performance: PerformanceMonitor::builder(), system: SystemMonitor::builder() }
    }
}

impl Monitors {
    pub(crate) fn register(
        registry: &Registry,
        settings: MonitorSettings,
    ) -> Result<Self, RegisterError> {
        Ok(Self {
            performance: settings.performance.register(registry)?,
            database: PoolMonitor::register(registry)?,
            cache: CacheMonitor::register(registry)?,
            breakers: BreakerMonitor::register(registry)?,
            system: settings.system.register(registry)?,
        })
    }
}
