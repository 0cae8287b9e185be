//! Which series a classic name is made of.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use metrics_core::{ClassicShape, Family, Kind, Labels, Snapshot};

use super::template;
use crate::decoration::Decoration;

/// The label that tells the two counters of a ratio apart.
const RESULT: &str = "result";

pub(super) type LabelPairs<'a> = Vec<(&'a str, &'a str)>;

/// All classic families of a snapshot by name.
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
    pub(super) series: BTreeMap<LabelPairs<'a>, Rows>,
}

/// The rows of the snapshot that one classic series is made of.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The values; of a ratio, the hits.
    pub(super) values: Vec<usize>,
    /// Of a ratio, the misses.
    pub(super) misses: Vec<usize>,
}

/// A series as it is described, or the two of a ratio.
struct Origin<'a> {
    labels: &'a Labels,
    rows: Rows,
}

impl<'a> Projection<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, decoration: &'a Decoration) -> Self {
        let mut projection = Self::default();
        let mut first_row = 0;
        for family in snapshot.families() {
            projection.add(&family, first_row, decoration);
            first_row += family.series().len();
        }
        projection
    }

    fn add(&mut self, family: &Family<'a>, first_row: usize, decoration: &'a Decoration) {
        let Some(classic) = family.desc.classic else { return };
        if !fits(classic.shape, family.desc.kind) {
            self.skipped += 1;
            return;
        }
        for (pairs, origin) in origins(family, first_row, classic.shape) {
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
                    free.insert(origin.rows);
                }
                Entry::Occupied(mut earlier) => {
                    earlier.get_mut().values.extend(origin.rows.values);
                    earlier.get_mut().misses.extend(origin.rows.misses);
                    self.merged += 1;
                }
            }
        }
    }
}

/// The series of a family by their labels; the two of a ratio together.
fn origins<'a>(
    family: &Family<'a>,
    first_row: usize,
    shape: ClassicShape,
) -> BTreeMap<LabelPairs<'a>, Origin<'a>> {
    let is_ratio = shape == ClassicShape::Ratio;
    let mut origins = BTreeMap::new();
    for (at, (labels, _)) in family.series().enumerate() {
        let pairs = labels.iter().filter(|(key, _)| !(is_ratio && *key == RESULT)).collect();
        let origin =
            origins.entry(pairs).or_insert_with(|| Origin { labels, rows: Rows::default() });
        match labels.get(RESULT) {
            Some("miss") if is_ratio => origin.rows.misses.push(first_row + at),
            Some("hit") if is_ratio => origin.rows.values.push(first_row + at),
            // Neither a hit nor a miss, so nothing to a ratio.
            _ if is_ratio => {}
            _ => origin.rows.values.push(first_row + at),
        }
    }
    origins
}

/// Whether values of a kind have the shape.
fn fits(shape: ClassicShape, kind: Kind) -> bool {
    match shape {
        ClassicShape::Gauge => matches!(kind.metric_type(), "gauge" | "counter"),
        ClassicShape::Counter | ClassicShape::Ratio => kind == Kind::Counter,
        ClassicShape::Summary => kind == Kind::Latency,
    }
}
