//! The handle by which a host watches its caches.
//!
//! What the registry holds is another type, [`Watch`]: whoever makes tiers
//! needs the registry, and in one type that would be a circle in which nothing
//! is ever dropped.

use std::sync::Arc;

use metrics_core::{Assessment, Monitor, RegisterError, Registry, Sample};

use crate::assess;
use crate::by_name::ByName;
use crate::cells::TierCells;
use crate::distribution::LatencyDistribution;
use crate::metrics::TierMetrics;
use crate::names::{TierName, broken_rule, broken_tier_rule};
use crate::reading::{Reading, Readings};
use crate::thresholds::Thresholds;
use crate::tier::Tier;
use crate::watch::Watch;
use crate::words::Operation;

/// Watches caches by tier; clones share what is watched.
#[derive(Clone, Debug)]
pub struct CacheMonitor {
    registry: Registry,
    watch: Arc<Watch>,
    pub(crate) by_name: ByName,
}

/// A tier that is not watched, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TierError {
    /// A name cannot be a label, or a field of the report.
    #[error("name `{name}` is not usable for a cache or its tier: {rule}")]
    Name {
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A handle to a tier of these names lives.
    #[error(
        "tier `{tier}` of cache `{cache}` is watched already: clone its handle, or choose another name"
    )]
    Duplicate {
        /// The cache.
        cache: String,
        /// The tier.
        tier: String,
    },
    /// The registry refused a metric.
    #[error("the tier's metrics cannot be registered")]
    Register(#[source] RegisterError),
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
        let watch = Arc::new(Watch::new(thresholds));
        registry.monitor(watch.clone())?;
        Ok(Self { registry: registry.clone(), watch, by_name })
    }

    /// A handle to a tier of a cache.
    ///
    /// Its series last as long as a clone of the handle; then they go at the
    /// next tick, and the name is free again.
    ///
    /// # Errors
    /// [`TierError`] for names that are unusable, or taken by a living handle.
    pub fn tier(&self, cache: &str, tier: &str) -> Result<Tier, TierError> {
        self.tier_with(cache, tier, self.watch.thresholds)
    }

    /// A handle to a tier that is judged by thresholds of its own.
    ///
    /// A second tier sees only what the first one missed: it may be right for it
    /// to hit less.
    ///
    /// # Errors
    /// As for [`Self::tier`].
    pub fn tier_with(
        &self,
        cache: &str,
        tier: &str,
        thresholds: Thresholds,
    ) -> Result<Tier, TierError> {
        for (name, rule) in [(cache, broken_rule(cache)), (tier, broken_tier_rule(tier))] {
            if let Some(rule) = rule {
                return Err(TierError::Name { name: name.to_owned(), rule });
            }
        }
        let name = TierName::new(cache, tier);
        let register =
            || TierCells::register(&self.registry, &self.watch, name.clone(), thresholds);
        match self.watch.enter(&name, register) {
            Some(cells) => Ok(Tier::new(cells.map_err(TierError::Register)?)),
            None => {
                let (cache, tier) = (cache.to_owned(), tier.to_owned());
                Err(TierError::Duplicate { cache, tier })
            }
        }
    }

    /// The layers in a sample: the tiers' names, and with several caches their paths such as `orders/L1`.
    pub fn layers(&self, sample: &Sample) -> Vec<String> {
        Readings::of(&sample.view(), &self.watch).layers()
    }

    /// The numbers of a layer in a sample; `None` for an unknown one.
    ///
    /// A name that several caches have a tier of means all of them together.
    pub fn tier_metrics(&self, sample: &Sample, layer: &str) -> Option<TierMetrics> {
        self.read(sample, layer, TierMetrics::of)
    }

    /// How long an operation of a layer took, in a sample; `None` for an unknown layer, or one that never did it.
    pub fn latency_distribution(
        &self,
        sample: &Sample,
        layer: &str,
        operation: Operation,
    ) -> Option<LatencyDistribution> {
        let known = |tiers: &[&Reading<'_>]| {
            let times: Vec<_> =
                tiers.iter().filter_map(|tier| tier.times[operation as usize]).collect();
            (!times.is_empty()).then(|| LatencyDistribution::of(times))
        };
        self.read(sample, layer, known)?
    }

    /// The judgement of a layer in a sample; `None` for an unknown one.
    pub fn assess(&self, sample: &Sample, layer: &str) -> Option<Assessment> {
        self.read(sample, layer, |tiers| assess::all(tiers.iter().copied()))
    }

    /// The judgement of the worst tier in a sample, with the issues of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        Monitor::assess(&*self.watch, &sample.view())
    }

    fn read<R>(
        &self,
        sample: &Sample,
        layer: &str,
        what: impl FnOnce(&[&Reading<'_>]) -> R,
    ) -> Option<R> {
        let readings = Readings::of(&sample.view(), &self.watch);
        let tiers = readings.layer(layer);
        (!tiers.is_empty()).then(|| what(&tiers))
    }
}
