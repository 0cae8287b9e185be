//! Maps each classic family and series to the series from which its values come.
//!
//! The result depends on names and labels only, so it is computed once per set of series
//! and not once per scrape.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use node0_metrics_core::{ClassicShape, Family, Labels, SeriesId, Snapshot};

use super::template;
use crate::decoration::Decoration;

/// The label that distinguishes the two counters of a ratio.
const RESULT: &str = "result";

pub(super) type LabelPairs<'a> = Vec<(&'a str, &'a str)>;

/// All classic families of a snapshot, by name.
#[derive(Default)]
pub(super) struct Projection<'a> {
    pub(super) families: BTreeMap<String, Projected<'a>>,
    pub(super) skipped: u64,
    pub(super) merged: u64,
}

/// A family under its classic name.
pub(super) struct Projected<'a> {
    pub(super) shape: ClassicShape,
    pub(super) help: String,
    pub(super) series: BTreeMap<LabelPairs<'a>, Sources>,
}

/// The series from which one classic series gets its value.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The series whose values are shown; those of the hits if a ratio is shown.
    pub(super) values: Vec<SeriesId>,
    /// The series of the misses if a ratio is shown, else empty.
    pub(super) misses: Vec<SeriesId>,
}

/// A series under its standard labels, or the two of a ratio together.
struct Origin<'a> {
    labels: &'a Labels,
    sources: Sources,
}

impl<'a> Projection<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, decoration: &'a Decoration) -> Self {
        let mut projection = Self::default();
        for family in snapshot.families() {
            projection.add(&family, decoration);
        }
        projection
    }

    fn add(&mut self, family: &Family<'a>, decoration: &'a Decoration) {
        let Some(classic) = family.desc.classic else { return };
        for (pairs, origin) in origins(family, classic.shape) {
            let Some(name) = template::name(classic.name, &pairs) else {
                self.skipped += 1;
                continue;
            };
            let projected =
                self.families.entry(decoration.name(&name)).or_insert_with(|| Projected {
                    shape: classic.shape,
                    help: template::filled(classic.help, &pairs),
                    series: BTreeMap::new(),
                });
            if projected.shape != classic.shape {
                self.skipped += 1;
                continue;
            }
            let beside = |pair: &(&str, &str)| {
                let is_left_out = family.desc.classic_without == Some(*pair);
                !is_left_out && !template::has_place(classic.name, pair.0)
            };
            let constants = decoration.constants(origin.labels);
            let shown = pairs.iter().copied().filter(beside).chain(constants).collect();
            match projected.series.entry(shown) {
                Entry::Vacant(free) => {
                    free.insert(origin.sources);
                }
                Entry::Occupied(mut earlier) => {
                    earlier.get_mut().values.extend(origin.sources.values);
                    earlier.get_mut().misses.extend(origin.sources.misses);
                    self.merged += 1;
                }
            }
        }
    }
}

/// Groups the series of a family by labels, so that the two of a ratio are together.
fn origins<'a>(family: &Family<'a>, shape: ClassicShape) -> BTreeMap<LabelPairs<'a>, Origin<'a>> {
    let is_ratio = shape == ClassicShape::Ratio;
    let mut origins = BTreeMap::new();
    for (id, (labels, _)) in family.ids().iter().zip(family.series()) {
        let pairs = labels.iter().filter(|(key, _)| !(is_ratio && *key == RESULT)).collect();
        let origin =
            origins.entry(pairs).or_insert_with(|| Origin { labels, sources: Sources::default() });
        match labels.get(RESULT) {
            Some("miss") if is_ratio => origin.sources.misses.push(*id),
            Some("hit") if is_ratio => origin.sources.values.push(*id),
            // The series counts neither hits nor misses, so it is no part of the ratio.
            _ if is_ratio => {}
            _ => origin.sources.values.push(*id),
        }
    }
    origins
}
