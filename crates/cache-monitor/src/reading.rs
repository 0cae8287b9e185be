//! The tiers' numbers, read from a view once for all who judge or show them.
//!
//! They are found by name and not by handle: a tier is what has series with its
//! labels, whether a handle recorded them or a call by name.

use std::collections::BTreeMap;

use metrics_core::{CACHE_GETS, Count, Desc, Histogram, Value, View};

use crate::descs::{
    BYTES, CANCELLATIONS, COALESCED_LOADS, ENTRIES, ERRORS, EVICTED_BYTES, EVICTIONS, LOADS,
    MAX_BYTES, MAX_ENTRIES, OPERATION_DURATION, PROMOTIONS, RAW_BYTES, STALE_SERVED, STORED_BYTES,
    WRITES,
};
use crate::levels::Levels;
use crate::names::{RESERVED, TierName};
use crate::thresholds::Thresholds;
use crate::watch::Watch;
use crate::words::{EvictionCause, LoadOutcome, Operation};

/// What a view knows of one tier; each number is `None` where there is no series.
#[derive(Debug, Default)]
pub(crate) struct Reading<'a> {
    pub(crate) cache: &'a str,
    pub(crate) tier: &'a str,
    pub(crate) thresholds: Thresholds,
    /// Hits, then misses.
    pub(crate) gets: [Option<Count>; 2],
    /// By [`Operation`], as are the next three.
    pub(crate) writes: [Option<Count>; 4],
    pub(crate) errors: [Option<Count>; 4],
    pub(crate) cancellations: [Option<Count>; 4],
    pub(crate) times: [Option<&'a Histogram>; 4],
    /// By [`EvictionCause`], as are the bytes.
    pub(crate) evictions: [Option<Count>; 4],
    pub(crate) evicted_bytes: [Option<Count>; 4],
    /// By [`LoadOutcome`].
    pub(crate) loads: [Option<Count>; 3],
    pub(crate) coalesced: [Option<Count>; 1],
    pub(crate) stale: [Option<Count>; 1],
    pub(crate) promotions: [Option<Count>; 1],
    pub(crate) raw: [Option<Count>; 1],
    pub(crate) stored: [Option<Count>; 1],
    pub(crate) levels: Levels,
}

impl Reading<'_> {
    /// The tier as `?layer=` names it beyond doubt.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.cache, self.tier)
    }
}

/// What of some counters is recent, as one number.
pub(crate) fn recent(counts: &[Option<Count>]) -> u64 {
    counts.iter().flatten().map(|count| count.recent).sum()
}

/// All tiers of a view, by their caches' names and their own.
#[derive(Debug)]
pub(crate) struct Readings<'a>(BTreeMap<(&'a str, &'a str), Reading<'a>>);

impl<'a> Readings<'a> {
    pub(crate) fn of(view: &View<'a>, watch: &Watch) -> Self {
        let operations = Operation::ALL.map(Operation::as_str);
        let causes = EvictionCause::ALL.map(EvictionCause::as_str);
        let outcomes = LoadOutcome::ALL.map(LoadOutcome::as_str);
        let mut all = Self(BTreeMap::new());
        all.counts(view, &CACHE_GETS, ("result", &["hit", "miss"]), |tier| &mut tier.gets);
        all.counts(view, &WRITES, ("operation", &operations), |tier| &mut tier.writes);
        all.counts(view, &ERRORS, ("operation", &operations), |tier| &mut tier.errors);
        let cancelled = ("operation", &operations[..]);
        all.counts(view, &CANCELLATIONS, cancelled, |tier| &mut tier.cancellations);
        all.counts(view, &EVICTIONS, ("cause", &causes), |tier| &mut tier.evictions);
        all.counts(view, &EVICTED_BYTES, ("cause", &causes), |tier| &mut tier.evicted_bytes);
        all.counts(view, &LOADS, ("outcome", &outcomes), |tier| &mut tier.loads);
        all.counts(view, &COALESCED_LOADS, ALONE, |tier| &mut tier.coalesced);
        all.counts(view, &STALE_SERVED, ALONE, |tier| &mut tier.stale);
        all.counts(view, &PROMOTIONS, ALONE, |tier| &mut tier.promotions);
        all.counts(view, &RAW_BYTES, ALONE, |tier| &mut tier.raw);
        all.counts(view, &STORED_BYTES, ALONE, |tier| &mut tier.stored);
        all.level(view, &ENTRIES, |levels| &mut levels.entries);
        all.level(view, &MAX_ENTRIES, |levels| &mut levels.max_entries);
        all.level(view, &BYTES, |levels| &mut levels.bytes);
        all.level(view, &MAX_BYTES, |levels| &mut levels.max_bytes);
        all.each(view, &OPERATION_DURATION, ("operation", &operations), |tier, at, value| {
            if let Value::Histogram(histogram) = value {
                tier.times[at] = Some(histogram);
            }
        });
        all.judge_by(watch);
        all
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reading<'a>> {
        self.0.values()
    }

    /// The tiers that `?layer=` means: of this name in any cache, or of this path.
    pub(crate) fn layer(&self, name: &str) -> Vec<&Reading<'a>> {
        let named: Vec<_> = self.iter().filter(|tier| tier.tier == name).collect();
        if !named.is_empty() {
            return named;
        }
        let is_path_of = |tier: &&Reading<'_>| {
            let rest = name.strip_prefix(tier.cache).and_then(|rest| rest.strip_prefix('/'));
            rest == Some(tier.tier)
        };
        self.iter().filter(is_path_of).collect()
    }

    /// The names that [`Self::layer`] finds; paths only where a name could mean several tiers.
    pub(crate) fn layers(&self) -> Vec<String> {
        let mut layers: Vec<_> = self.iter().map(|tier| tier.tier.to_owned()).collect();
        if self.by_cache().len() > 1 {
            layers.extend(self.iter().map(Reading::path));
        }
        layers.sort();
        layers.dedup();
        layers
    }

    pub(crate) fn by_tier(&self) -> BTreeMap<&'a str, Vec<&Reading<'a>>> {
        self.grouped(|tier| tier.tier)
    }

    pub(crate) fn by_cache(&self) -> BTreeMap<&'a str, Vec<&Reading<'a>>> {
        self.grouped(|tier| tier.cache)
    }

    fn grouped(&self, by: fn(&Reading<'a>) -> &'a str) -> BTreeMap<&'a str, Vec<&Reading<'a>>> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        self.iter().for_each(|tier| groups.entry(by(tier)).or_default().push(tier));
        groups
    }

    fn judge_by(&mut self, watch: &Watch) {
        let own = watch.own_thresholds();
        for reading in self.0.values_mut() {
            let name = TierName::new(reading.cache, reading.tier);
            reading.thresholds = own.get(&name).copied().unwrap_or(watch.thresholds);
        }
    }

    fn counts(
        &mut self,
        view: &View<'a>,
        desc: &Desc,
        words: (&str, &[&str]),
        of: impl for<'r> Fn(&'r mut Reading<'a>) -> &'r mut [Option<Count>],
    ) {
        self.each(view, desc, words, |tier, at, value| {
            if let Value::Counter(count) = value {
                of(tier)[at] = Some(*count);
            }
        });
    }

    fn level(&mut self, view: &View<'a>, desc: &Desc, of: fn(&mut Levels) -> &mut Option<u64>) {
        self.each(view, desc, ALONE, |tier, _, value| match value {
            Value::Gauge(level) if !level.is_nan() => *of(&mut tier.levels) = Some(*level as u64),
            _ => {}
        });
    }

    /// Visits a family's series with the place of their word among the known ones.
    fn each(
        &mut self,
        view: &View<'a>,
        desc: &Desc,
        (key, words): (&str, &[&str]),
        place: impl Fn(&mut Reading<'a>, usize, &'a Value),
    ) {
        let family = view.snapshot().family(desc.name());
        for (labels, value) in family.into_iter().flat_map(|family| family.series()) {
            let (Some(cache), Some(tier)) = (labels.get("cache"), labels.get("tier")) else {
                continue;
            };
            // Others who record into the family may call a tier as a field of the report is
            // called: a body with that field twice is no JSON. Pages show the tier all the same.
            if RESERVED.contains(&tier) {
                continue;
            }
            let at = match labels.get(key) {
                Some(word) => words.iter().position(|known| *known == word),
                None => Some(0),
            };
            // What is folded at a cap has a word of its own, which is none of ours.
            let Some(at) = at else { continue };
            let fresh = || Reading { cache, tier, ..Reading::default() };
            place(self.0.entry((cache, tier)).or_insert_with(fresh), at, value);
        }
    }
}

/// For families without a label beside `cache` and `tier`.
const ALONE: (&str, &[&str]) = ("", &[]);
