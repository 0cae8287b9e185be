//! The numbers of all tiers, read from a view for judgements and reports.
//!
//! A tier is found by the labels of its series and not by a handle, since tiers that are recorded
//! by name have no handle.

use std::collections::{BTreeMap, BTreeSet};

use node0_metrics_core::{LatencySummary, OTHER, UnknownTarget, View};

use crate::cells::{TierNumbers, TierSeries};
use crate::descs::DESCS;
use crate::levels::{LevelGauges, Levels};
use crate::report::RESERVED;
use crate::thresholds::Thresholds;
use crate::watch::Watch;
use crate::words::Operation;

/// The numbers of one tier in a view, with the thresholds that it is judged by.
pub(crate) struct Reading<'a> {
    pub(crate) cache: &'a str,
    pub(crate) tier: &'a str,
    pub(crate) thresholds: Thresholds,
    pub(crate) levels: Levels,
    pub(crate) numbers: TierNumbers<'a>,
}

impl<'a> Reading<'a> {
    fn of(watch: &Watch, view: &View<'a>, cache: &'a str, tier: &'a str) -> Self {
        let held = watch.tiers.get(&path(cache, tier));
        Self {
            cache,
            tier,
            thresholds: held.map_or(watch.thresholds, |held| held.thresholds),
            levels: LevelGauges::find(view, &[cache, tier]),
            numbers: TierSeries::find(view, &[cache, tier]),
        }
    }

    /// The unique name of this tier, such as `orders/L1`.
    pub(crate) fn path(&self) -> String {
        path(self.cache, self.tier)
    }
}

fn path(cache: &str, tier: &str) -> String {
    format!("{cache}/{tier}")
}

/// The tiers of one layer: those with one name, or the one with a path.
pub(crate) type Layer<'r, 'a> = Vec<&'r Reading<'a>>;

/// The times of an operation in all tiers of a layer; `None` without such an operation.
pub(crate) fn times(layer: &[&Reading<'_>], operation: Operation) -> Option<LatencySummary> {
    let times: Vec<_> = layer.iter().filter_map(|tier| tier.numbers.times[operation]).collect();
    (!times.is_empty()).then(|| LatencySummary::merged(times))
}

/// All tiers of a view, by rising names of their caches and their own.
pub(crate) struct Readings<'a>(Vec<Reading<'a>>);

impl<'a> Readings<'a> {
    pub(crate) fn of(watch: &Watch, view: &View<'a>) -> Self {
        let mut names = BTreeSet::new();
        for desc in DESCS {
            let word = desc.label_keys().get(2);
            let family = view.snapshot().family(desc.name());
            for (labels, _) in family.into_iter().flat_map(|family| family.series()) {
                // The series of folded label sets is not a tier.
                let is_folded = word.is_some_and(|key| labels.get(key) == Some(OTHER));
                // Other code may record a tier with the name of a report's field. A body with
                // the same field twice would not be valid JSON.
                if let (Some(cache), Some(tier)) = (labels.get("cache"), labels.get("tier"))
                    && !is_folded
                    && !RESERVED.contains(&tier)
                {
                    names.insert((cache, tier));
                }
            }
        }
        let read = |(cache, tier)| Reading::of(watch, view, cache, tier);
        Self(names.into_iter().map(read).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reading<'a>> {
        self.0.iter()
    }

    /// Finds the layer that `?layer=` names.
    pub(crate) fn layer(&self, name: &str) -> Result<Layer<'_, 'a>, UnknownTarget> {
        let mut layer: Layer<'_, 'a> = self.iter().filter(|tier| tier.tier == name).collect();
        if layer.is_empty() {
            layer.extend(self.iter().filter(|tier| tier.path() == name));
        }
        match layer.is_empty() {
            false => Ok(layer),
            true => Err(UnknownTarget { target: name.to_owned(), known: self.layers() }),
        }
    }

    /// The names that [`Self::layer`] finds; paths only where there are several caches.
    pub(crate) fn layers(&self) -> Vec<String> {
        let mut layers: BTreeSet<_> = self.iter().map(|tier| tier.tier.to_owned()).collect();
        if self.grouped(|tier| tier.cache).len() > 1 {
            layers.extend(self.iter().map(Reading::path));
        }
        layers.into_iter().collect()
    }

    /// Groups the tiers, such as by their caches' names.
    pub(crate) fn grouped(
        &self,
        by: fn(&Reading<'a>) -> &'a str,
    ) -> BTreeMap<&'a str, Layer<'_, 'a>> {
        let mut groups = BTreeMap::<_, Layer<'_, 'a>>::new();
        self.iter().for_each(|tier| groups.entry(by(tier)).or_default().push(tier));
        groups
    }
}
