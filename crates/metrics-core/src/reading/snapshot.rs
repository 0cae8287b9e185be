//! What one pass over the cells found: families of series with their values.
//!
//! A snapshot is inert. Its names and labels are shared with the snapshots
//! before it, until a series comes or goes, and so is every histogram that did
//! not change; only numbers are copied.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::naming::desc::OwnedDesc;
use crate::naming::labels::Labels;
use crate::reading::buckets::Buckets;
use crate::reading::window::{Parts, Window};
use crate::recording::exemplar::Exemplar;

/// All series of a registry with their values at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) schema: Arc<Schema>,
    pub(crate) values: Vec<Value>,
}

/// The names and labels of a snapshot's series, in their order.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) families: Vec<FamilySchema>,
    /// The row of each series by the id of its cells.
    pub(crate) rows: HashMap<u64, usize>,
    /// Changes when a series comes or goes.
    pub(crate) generation: u64,
}

#[derive(Debug)]
pub(crate) struct FamilySchema {
    pub(crate) desc: Arc<OwnedDesc>,
    pub(crate) labels: Vec<Labels>,
    pub(crate) first_row: usize,
}

/// All series of one name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Family<'a> {
    /// What the name means.
    pub desc: &'a OwnedDesc,
    labels: &'a [Labels],
    values: &'a [Value],
}

impl<'a> Family<'a> {
    /// The series by rising labels.
    pub fn series(&self) -> impl ExactSizeIterator<Item = (&'a Labels, &'a Value)> + use<'a> {
        self.labels.iter().zip(self.values)
    }
}

impl Snapshot {
    /// The families by rising name; none is empty.
    pub fn families(&self) -> impl ExactSizeIterator<Item = Family<'_>> {
        self.schema.families.iter().map(|family| self.at(family))
    }

    /// The family with this name.
    pub fn family(&self, name: &str) -> Option<Family<'_>> {
        let families = &self.schema.families;
        let at = families.binary_search_by(|family| (*family.desc.name).cmp(name)).ok()?;
        Some(self.at(&families[at]))
    }

    fn at<'a>(&'a self, family: &'a FamilySchema) -> Family<'a> {
        Family {
            desc: &family.desc,
            labels: &family.labels,
            values: &self.values[family.first_row..][..family.labels.len()],
        }
    }

    /// The value of the series with this name and exactly these labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Value> {
        let family = self.family(name)?;
        let wanted = Labels::new(labels.iter().copied());
        let row = family.labels.binary_search(&wanted).ok()?;
        family.values.get(row)
    }

    /// A number that changes when a series comes or goes, so that readers can keep what they derived from the names.
    pub fn generation(&self) -> u64 {
        self.schema.generation
    }

    /// Which series these are; equal to that of another snapshot while none came or went between them.
    pub fn series_set(&self) -> SeriesSet {
        SeriesSet(self.schema.clone())
    }

    pub(crate) fn patch(&mut self, id: Option<u64>, value: Value) {
        if let Some(row) = id.and_then(|id| self.schema.rows.get(&id)) {
            self.values[*row] = value;
        }
    }

    pub(crate) fn by_id(&self, id: Option<u64>) -> Option<&Value> {
        self.values.get(*self.schema.rows.get(&id?)?)
    }
}

/// The series of a snapshot without their values, to tell whether what was derived from them still holds.
///
/// Unlike [`Snapshot::generation`] it also tells registries apart. It keeps the
/// names and labels alive, and no number.
///
/// ```
/// use metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
/// let registry = Registry::new();
/// let before = registry.read().snapshot.series_set();
/// assert_eq!(registry.read().snapshot.series_set(), before);
/// let jobs = registry.counter(&JOBS, &[])?;
/// assert_ne!(registry.read().snapshot.series_set(), before);
/// # drop(jobs);
/// # Ok::<(), metrics_core::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct SeriesSet(Arc<Schema>);

impl PartialEq for SeriesSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SeriesSet {}

impl std::fmt::Debug for SeriesSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesSet")
            .field("series", &self.0.rows.len())
            .field("generation", &self.0.generation)
            .finish()
    }
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Of a counter.
    Counter(Count),
    /// Of a gauge, a level or a peak; NaN when it is unknown.
    Gauge(f64),
    /// Of a latency or a distribution.
    Histogram(Histogram),
}

impl Value {
    /// Stands in for a value that is not known yet.
    pub(crate) fn unknown() -> Self {
        Self::Gauge(f64::NAN)
    }

    /// The one number of a counter or gauge, the count of a histogram.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Counter(count) => count.total as f64,
            Self::Gauge(value) => *value,
            Self::Histogram(histogram) => histogram.count() as f64,
        }
    }
}

/// A counter's total, and what of it is recent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Count {
    /// Since the series began.
    pub total: u64,
    /// In the last ten whole ticks.
    pub recent: u64,
    /// How long those ticks lasted; zero before the first tick has ended.
    pub span: Duration,
}

impl Count {
    /// The rate per second over the last ten whole ticks; `None` before the first tick has ended.
    pub fn rate(&self) -> Option<f64> {
        (!self.span.is_zero()).then(|| self.recent as f64 / self.span.as_secs_f64())
    }
}

/// A histogram's totals and window; cloning shares them.
#[derive(Clone, Debug)]
pub struct Histogram {
    shown: Arc<Shown>,
    pub(crate) span: Duration,
}

/// What is the same in every sample until the series is recorded into again.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) parts: Parts,
    /// How many values there were since the series began.
    pub(crate) count: u64,
    /// At the exported bounds.
    pub(crate) cumulative: Vec<u64>,
    pub(crate) exemplars: Box<[Exemplar]>,
}

impl Shown {
    /// Of a series without a value.
    pub(crate) fn nothing(parts: Parts) -> Self {
        Self { parts, count: 0, cumulative: Vec::new(), exemplars: Box::default() }
    }
}

impl Histogram {
    pub(crate) fn new(shown: Arc<Shown>, span: Duration) -> Self {
        Self { shown, span }
    }

    /// Whether this is the same but for the span.
    pub(crate) fn shows(&self, shown: &Arc<Shown>) -> bool {
        Arc::ptr_eq(&self.shown, shown)
    }

    /// Gives up what it shows, for the room that it takes.
    pub(crate) fn into_shown(self) -> Arc<Shown> {
        self.shown
    }

    /// How many values there were since the series began; it never falls.
    pub fn count(&self) -> u64 {
        self.shown.count
    }

    /// The exact sum of all values since the series began; it never falls.
    pub fn sum(&self) -> f64 {
        self.shown.parts.total_sum()
    }

    /// How many of all values are at most each of the bounds of the description, which rise.
    ///
    /// As [`Buckets::cumulative`] of [`Self::total`], but always at hand.
    pub fn cumulative(&self) -> &[u64] {
        &self.shown.cumulative
    }

    /// Everything since the series began; it never falls.
    ///
    /// It is put together here, once, by whoever asks first.
    pub fn total(&self) -> &Buckets {
        self.shown.parts.total()
    }

    /// The most recent samples.
    pub fn window(&self) -> Window<'_> {
        Window::new(&self.shown.parts, self.span)
    }

    /// At most one trace for each exported bucket, by rising value.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.shown.exemplars
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.total() == other.total()
            && self.window() == other.window()
            && self.exemplars() == other.exemplars()
    }
}
