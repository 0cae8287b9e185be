//! The calls by which a pool of any kind comes to be watched.

use metrics_core::{RegisterError, Registry, broken_name_rule};

use crate::attached::Attached;
use crate::cells::PoolCells;
use crate::handle::PoolHandle;
use crate::levels::PoolLevels;
use crate::monitor::PoolMonitor;
use crate::thresholds::Thresholds;
use crate::tracked::LateAges;

/// A pool that is not watched, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name cannot be a label that means one pool.
    #[error("pool name `{name}` is not usable: {rule}")]
    Name {
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A living pool has the name.
    #[error("a pool named `{name}` is attached already: choose another name")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The pool was gone when it was first asked for its levels.
    #[error("pool `{name}` says that it is gone: attach a pool that is open")]
    Gone {
        /// The name.
        name: String,
    },
    /// The registry refused a metric.
    #[error("the pool's metrics cannot be registered")]
    Register(#[source] RegisterError),
}

impl PoolMonitor {
    /// Watches a pool of any kind by a handle, against the default [`Thresholds`].
    ///
    /// `levels` is asked now, and then once a tick on the sampling thread: no I/O, and far
    /// under a millisecond. `None` says that the pool is gone: then it is no longer shown,
    /// its name is free, and what is recorded lasts as long as the handle. A level that the
    /// first answer leaves out stays absent; one that a later answer leaves out is NaN, as
    /// all are after a panic, which is counted and contained.
    ///
    /// The closure may own the pool, which then lives as long as the handle. Where the pool
    /// owns the handle (in a hook of its own), hold the pool weakly.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, and for a pool that is gone.
    pub fn pool(
        &self,
        name: &str,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
    ) -> Result<PoolHandle, AttachError> {
        self.pool_with(name, levels, Thresholds::default())
    }

    /// Watches a pool of any kind against thresholds of its own; see [`Self::pool`].
    ///
    /// # Errors
    /// As for [`Self::pool`].
    pub fn pool_with(
        &self,
        name: &str,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
        thresholds: Thresholds,
    ) -> Result<PoolHandle, AttachError> {
        let name = checked(name)?;
        let first = levels().ok_or_else(|| AttachError::Gone { name: name.to_owned() })?;
        self.enter(name, |registry| {
            let (cells, ages) = (PoolCells::register(registry, name)?, LateAges::default());
            let handle = PoolHandle::new(registry.clone(), cells.clone(), levels, &ages);
            let source = (Box::new(handle.source()) as _, first);
            let attached = Attached::register(registry, cells, thresholds, ages, source)?;
            Ok((attached, handle))
        })
    }

    /// Watches what `make` makes, unless a living pool has the name.
    pub(crate) fn enter<T>(
        &self,
        name: &str,
        make: impl FnOnce(&Registry) -> Result<(Attached, T), RegisterError>,
    ) -> Result<T, AttachError> {
        match self.watch.enter(name, || make(&self.registry)) {
            Some(made) => made.map_err(AttachError::Register),
            None => Err(AttachError::Duplicate { name: name.to_owned() }),
        }
    }
}

/// Returns the name if it can be a label that means one pool.
pub(crate) fn checked(name: &str) -> Result<&str, AttachError> {
    match broken_name_rule(name) {
        Some(rule) => Err(AttachError::Name { name: name.to_owned(), rule }),
        None => Ok(name),
    }
}
