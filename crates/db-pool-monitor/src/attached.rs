//! One watched pool: what is recorded of it, and whom a poll asks how full it is.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use metrics_core::{Counter, RegisterError, Registry};

use crate::cells::PoolCells;
use crate::descs::SOURCE_PANICS;
use crate::levels::{LevelGauges, PoolLevels};
use crate::thresholds::Thresholds;
use crate::tracked::LateAges;

/// A pool that is watched.
pub(crate) struct Attached {
    pub(crate) cells: PoolCells,
    pub(crate) thresholds: Thresholds,
    pub(crate) levels: LevelGauges,
    /// Empty as long as no guard was asked for: only the ends of waits and holds are known.
    pub(crate) ages: LateAges,
    source_panics: Counter,
    source: Box<dyn Source>,
}

/// A pool of any kind, as far as it can be polled; it is not kept alive.
pub(crate) trait Source: Send + Sync {
    /// Whether the pool is still there; asked under a lock, so it takes no time.
    fn is_alive(&self) -> bool;

    /// How full the pool is; `None` when it is gone.
    fn levels(&self) -> Option<PoolLevels>;
}

impl Attached {
    /// Begins with what the source answered first.
    pub(crate) fn register(
        registry: &Registry,
        cells: PoolCells,
        thresholds: Thresholds,
        ages: LateAges,
        (source, first): (Box<dyn Source>, PoolLevels),
    ) -> Result<Self, RegisterError> {
        let name = &*cells.name;
        let attached = Self {
            thresholds,
            levels: LevelGauges::register(registry, name, first)?,
            ages,
            source_panics: registry.counter(&SOURCE_PANICS, &[name])?,
            source,
            cells,
        };
        attached.observe(first);
        Ok(attached)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.source.is_alive()
    }

    /// Copies what only a poll can know; false once the pool is gone.
    pub(crate) fn poll(&self) -> bool {
        // A panic in one pool's source must not keep the others from being polled.
        let answer = catch_unwind(AssertUnwindSafe(|| self.source.levels()));
        let answer = answer.unwrap_or_else(|_| {
            self.source_panics.inc();
            Some(PoolLevels::default())
        });
        answer.inspect(|levels| self.observe(*levels)).is_some()
    }

    fn observe(&self, levels: PoolLevels) {
        self.levels.set(levels);
        if let Some(ages) = self.ages.get() {
            ages.observe(levels, self.thresholds.leak_after);
        }
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").field("name", &self.cells.name).finish_non_exhaustive()
    }
}
