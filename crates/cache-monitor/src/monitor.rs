//! The handle by which a host watches its caches.
//!
//! The registry owns another type, [`Watch`]. This handle owns the registry, in order to register
//! tiers. If the registry owned this handle, neither would ever be dropped.

use std::sync::Arc;

use node0_metrics_core::{
    Assessment, InstanceError, Instances, LatencySummary, Monitor, RegisterError, Registry, Sample,
};

use crate::by_name::ByName;
use crate::cells::TierCells;
use crate::judge;
use crate::metrics::TierMetrics;
use crate::reading::{Readings, times};
use crate::report::RESERVED;
use crate::thresholds::Thresholds;
use crate::tier::Tier;
use crate::watch::Watch;
use crate::words::Operation;

/// Watches caches by tier; clones share the tiers.
#[derive(Clone, Debug)]
pub struct CacheMonitor {
    registry: Registry,
    watch: Watch,
    pub(crate) by_name: ByName,
}

impl CacheMonitor {
    /// Registers the topic `cache`, whose tiers are judged by the default [`Thresholds`].
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has it: clone the first monitor instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::register_with(registry, Thresholds::default())
    }

    /// Registers the topic with thresholds for all tiers that have none of their own.
    ///
    /// # Errors
    /// As for [`Self::register`].
    pub fn register_with(
        registry: &Registry,
        thresholds: Thresholds,
    ) -> Result<Self, RegisterError> {
        let by_name = ByName::register(registry)?;
        let watch = Watch { tiers: Instances::new("cache tier"), thresholds };
        registry.monitor(Arc::new(watch.clone()))?;
        Ok(Self { registry: registry.clone(), watch, by_name })
    }

    /// Watches a tier of a cache.
    ///
    /// When the last clone of the handle is dropped, its series are removed and its name is free.
    ///
    /// # Errors
    /// [`InstanceError`] for a name that is taken or unusable.
    pub fn tier(&self, cache: &str, tier: &str) -> Result<Tier, InstanceError> {
        self.tier_with(cache, tier, self.watch.thresholds)
    }

    /// Watches a tier that is judged by thresholds of its own.
    ///
    /// A second tier is only asked for keys that the first one missed, so a lower hit rate can be
    /// normal for it.
    ///
    /// # Errors
    /// As for [`Self::tier`].
    pub fn tier_with(
        &self,
        cache: &str,
        tier: &str,
        thresholds: Thresholds,
    ) -> Result<Tier, InstanceError> {
        let tiers = &self.watch.tiers;
        let cache = tiers.name_unless(cache, is_path)?;
        let tier = tiers.name_unless(tier, is_path_or_field)?;
        let path = tier.within(&cache);
        let make = |_: &_| TierCells::register(&self.registry, cache, tier, thresholds);
        tiers.enter(path, make).map(Tier)
    }

    /// The layers in a sample: the tiers' names and, of several caches, paths such as `orders/L1`.
    pub fn layers(&self, sample: &Sample) -> Vec<String> {
        self.readings(sample).layers()
    }

    /// The numbers of a layer in a sample; `None` for an unknown one.
    ///
    /// If several caches have a tier with this name, it means all of them together.
    pub fn tier_metrics(&self, sample: &Sample, layer: &str) -> Option<TierMetrics> {
        Some(TierMetrics::of(&self.readings(sample).layer(layer).ok()?))
    }

    /// The latencies of an operation of a layer in a sample.
    ///
    /// `None` for an unknown layer, or one without such an operation.
    pub fn latency_distribution(
        &self,
        sample: &Sample,
        layer: &str,
        operation: Operation,
    ) -> Option<LatencySummary> {
        times(&self.readings(sample).layer(layer).ok()?, operation)
    }

    /// The judgement of a layer in a sample; `None` for an unknown one.
    pub fn assess(&self, sample: &Sample, layer: &str) -> Option<Assessment> {
        Some(judge::all(self.readings(sample).layer(layer).ok()?).assess())
    }

    /// The judgement of the worst tier in a sample, with the findings of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        self.watch.judge(&sample.view()).assess()
    }

    fn readings<'a>(&self, sample: &'a Sample) -> Readings<'a> {
        Readings::of(&self.watch, &sample.view())
    }
}

/// Returns the rule that a name breaks if it could be read as a path.
fn is_path(name: &str) -> Option<&'static str> {
    name.contains('/').then_some("`/` is between a cache's name and its tier's")
}

/// Returns the rule that a tier's name breaks if a report could not have it as a field.
fn is_path_or_field(name: &str) -> Option<&'static str> {
    let is_field = RESERVED.contains(&name);
    is_path(name).or(is_field.then_some("a report has that field already"))
}
