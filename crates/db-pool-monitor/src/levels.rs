//! How full a pool is, as far as it says.

use metrics_core::{Gauge, RegisterError, Registry, View};

use crate::descs::{CONNECTING_REQUESTS, CONNECTIONS, CONNECTIONS_MAX, PENDING_REQUESTS};

/// Connections and callers of a pool at one moment; each `None` where the pool does not say.
///
/// ```
/// use db_pool_monitor::PoolLevels;
///
/// let levels = PoolLevels::default().used(3).idle(1).max(10);
/// assert_eq!((levels.used, levels.waiting), (Some(3), None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolLevels {
    /// Open connections that callers hold.
    pub used: Option<u64>,
    /// Open connections that nobody holds.
    pub idle: Option<u64>,
    /// Connections that the pool allows.
    pub max: Option<u64>,
    /// Callers that wait because all connections the pool allows are taken.
    pub waiting: Option<u64>,
    /// Callers whose connection is being opened.
    pub connecting: Option<u64>,
}

impl PoolLevels {
    /// Sets [`PoolLevels::used`].
    #[must_use]
    pub const fn used(mut self, connections: u64) -> Self {
        self.used = Some(connections);
        self
    }

    /// Sets [`PoolLevels::idle`].
    #[must_use]
    pub const fn idle(mut self, connections: u64) -> Self {
        self.idle = Some(connections);
        self
    }

    /// Sets [`PoolLevels::max`].
    #[must_use]
    pub const fn max(mut self, connections: u64) -> Self {
        self.max = Some(connections);
        self
    }

    /// Sets [`PoolLevels::waiting`].
    #[must_use]
    pub const fn waiting(mut self, callers: u64) -> Self {
        self.waiting = Some(callers);
        self
    }

    /// Sets [`PoolLevels::connecting`].
    #[must_use]
    pub const fn connecting(mut self, callers: u64) -> Self {
        self.connecting = Some(callers);
        self
    }

    /// Open connections.
    pub(crate) fn size(&self) -> Option<u64> {
        Some(self.used? + self.idle?)
    }
}

/// [`PoolLevels`] as gauges, of which there are those that the pool's first answer knew.
#[derive(Debug)]
pub(crate) struct LevelGauges {
    used: Option<Gauge>,
    idle: Option<Gauge>,
    max: Option<Gauge>,
    waiting: Option<Gauge>,
    connecting: Option<Gauge>,
}

impl LevelGauges {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        first: PoolLevels,
    ) -> Result<Self, RegisterError> {
        let gauge = |level: Option<u64>, desc, labels: &[&str]| {
            level.map(|_| registry.gauge(desc, labels)).transpose()
        };
        Ok(Self {
            used: gauge(first.used, &CONNECTIONS, &[name, "used"])?,
            idle: gauge(first.idle, &CONNECTIONS, &[name, "idle"])?,
            max: gauge(first.max, &CONNECTIONS_MAX, &[name])?,
            waiting: gauge(first.waiting, &PENDING_REQUESTS, &[name])?,
            connecting: gauge(first.connecting, &CONNECTING_REQUESTS, &[name])?,
        })
    }

    /// Shows what is known; what no longer is becomes NaN, and what never was stays absent.
    pub(crate) fn set(&self, levels: PoolLevels) {
        let set = |gauge: &Option<Gauge>, level: Option<u64>| {
            if let Some(gauge) = gauge {
                gauge.set(level.map_or(f64::NAN, |level| level as f64));
            }
        };
        set(&self.used, levels.used);
        set(&self.idle, levels.idle);
        set(&self.max, levels.max);
        set(&self.waiting, levels.waiting);
        set(&self.connecting, levels.connecting);
    }

    pub(crate) fn read(&self, view: &View<'_>) -> PoolLevels {
        let level = |gauge: &Option<Gauge>| {
            let level = view.gauge(gauge.as_ref()?)?;
            (!level.is_nan()).then_some(level as u64)
        };
        PoolLevels {
            used: level(&self.used),
            idle: level(&self.idle),
            max: level(&self.max),
            waiting: level(&self.waiting),
            connecting: level(&self.connecting),
        }
    }
}
