//! The monitor that the registry holds: polls, judges and reports the tiers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use metrics_core::{Assessment, Monitor, Report, Topic, UnknownTarget, View};

use crate::assess;
use crate::cells::TierCells;
use crate::levels::{LevelSource, Levels};
use crate::names::TierName;
use crate::reading::Readings;
use crate::report::{CachesReport, LayerReport};
use crate::thresholds::Thresholds;

/// What this monitor is called.
pub static TOPIC: Topic = Topic::new("cache", "cache").target("layer");

/// The tiers that somebody holds a handle to; they are held weakly, so that watching one keeps none alive.
pub(crate) struct Watch {
    /// For tiers without thresholds of their own.
    pub(crate) thresholds: Thresholds,
    tiers: Mutex<BTreeMap<TierName, Followed>>,
}

/// A tier, and its source while that lives.
type Polled = (Arc<TierCells>, Option<Arc<dyn LevelSource>>);

struct Followed {
    cells: Weak<TierCells>,
    source: Option<Weak<dyn LevelSource>>,
}

impl Watch {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, tiers: Mutex::default() }
    }

    /// Enters the cells that `make` makes, unless a living tier has the name.
    pub(crate) fn enter<E>(
        &self,
        name: &TierName,
        make: impl FnOnce() -> Result<TierCells, E>,
    ) -> Option<Result<Arc<TierCells>, E>> {
        let mut tiers = self.lock();
        if tiers.get(name).is_some_and(|tier| tier.cells.strong_count() > 0) {
            return None;
        }
        let made = make().map(Arc::new);
        if let Ok(cells) = &made {
            let followed = Followed { cells: Arc::downgrade(cells), source: None };
            tiers.insert(name.clone(), followed);
        }
        Some(made)
    }

    /// Asks a source from the next poll on.
    pub(crate) fn follow(&self, cells: &TierCells, source: Weak<dyn LevelSource>) {
        if let Some(followed) = self.lock().get_mut(&cells.name) {
            followed.source = Some(source);
        }
    }

    /// The thresholds of the tiers that are held.
    pub(crate) fn own_thresholds(&self) -> BTreeMap<TierName, Thresholds> {
        let tiers = self.lock();
        let held = tiers.iter().filter_map(|(name, tier)| Some((name, tier.cells.upgrade()?)));
        held.map(|(name, cells)| (name.clone(), cells.thresholds)).collect()
    }

    /// The tiers with a source, and the source while it lives; forgets tiers that are gone.
    fn sources(&self) -> Vec<Polled> {
        let mut sources = Vec::new();
        self.lock().retain(|_, tier| {
            let Some(cells) = tier.cells.upgrade() else { return false };
            if let Some(source) = &tier.source {
                let source = source.upgrade();
                if source.is_none() {
                    tier.source = None;
                }
                sources.push((cells, source));
            }
            true
        });
        sources
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TierName, Followed>> {
        self.tiers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    /// Asks outside of the lock: a source is a user's code, or drops a cache that was the last of its kind.
    fn poll(&self) {
        for (cells, source) in self.sources() {
            cells.set_levels(source.map_or_else(Levels::default, |source| source.levels()));
        }
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        assess::all(Readings::of(view, self).iter())
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let readings = Readings::of(view, self);
        let Some(target) = target else {
            return Ok(Report::new(CachesReport::of(view, &readings)));
        };
        let found = readings.layer(target);
        match found.first() {
            Some(_) => Ok(Report::new(LayerReport::of(view, &found))),
            None => {
                let (target, known) = (target.to_owned(), readings.layers());
                Err(UnknownTarget { target, known })
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().keys()).finish()
    }
}
