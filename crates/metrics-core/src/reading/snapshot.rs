//! All numbers of one pass: families of series with their values.
//!
//! A snapshot is plain data. It shares its names and labels with earlier
//! snapshots as long as no series is added or removed, and it shares every
//! histogram that did not change. Only counters and gauges are copied.

use std::collections::HashMap;
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use crate::naming::desc::OwnedDesc;
use crate::naming::labels::{Labels, bounded};
use crate::naming::series_id::SeriesId;
use crate::reading::histogram::Histogram;

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
    /// The ids of all series by row.
    pub(crate) ids: Vec<SeriesId>,
    /// The rows of all series by id.
    pub(crate) rows: HashMap<SeriesId, usize>,
    /// A number that changes when a series is added or removed.
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
    /// The description of the metric.
    pub desc: &'a OwnedDesc,
    ids: &'a [SeriesId],
    labels: &'a [Labels],
    values: &'a [Value],
}

/// One series of a snapshot.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Series<'a> {
    /// The id, by which later snapshots find the same series.
    pub id: SeriesId,
    /// The description of the metric.
    pub desc: &'a OwnedDesc,
    /// The labels that tell it from the other series of its family.
    pub labels: &'a Labels,
    /// The value.
    pub value: &'a Value,
}

impl<'a> Family<'a> {
    /// The labels and values of the series, sorted by labels.
    pub fn series(&self) -> impl ExactSizeIterator<Item = (&'a Labels, &'a Value)> + use<'a> {
        self.labels.iter().zip(self.values)
    }

    /// The value of the series with exactly these labels, in any order.
    pub(crate) fn value<'l>(
        &self,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Option<&'a Value> {
        // Compared as pairs, since creating `Labels` for each lookup would cost more than the
        // search.
        let mut wanted: Vec<_> = labels.map(|(key, value)| (key, bounded(value))).collect();
        wanted.sort_unstable_by_key(|(key, _)| *key);
        let compare = |have: &Labels| have.iter().cmp(wanted.iter().copied());
        self.values.get(self.labels.binary_search_by(compare).ok()?)
    }

    /// The ids of the series, in the order of [`Self::series`].
    pub fn ids(&self) -> &'a [SeriesId] {
        self.ids
    }
}

impl Snapshot {
    /// The families sorted by name; none is empty.
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
        let (first, count) = (family.first_row, family.labels.len());
        Family {
            desc: &family.desc,
            ids: &self.schema.ids[first..][..count],
            labels: &family.labels,
            values: &self.values[first..][..count],
        }
    }

    /// All series, family by family.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use node0_metrics_core::{Desc, Registry, SeriesId, Value};
    ///
    /// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
    /// let registry = Registry::new();
    /// let mails = registry.counter(&JOBS, &["mail"])?;
    /// let mut ticker = registry.ticker().expect("nobody else ticks");
    ///
    /// // Adds up the ticks of each counter.
    /// let mut sums: HashMap<SeriesId, u64> = HashMap::new();
    /// for _ in 0..3 {
    ///     mails.add(2);
    ///     for series in ticker.tick().sample.snapshot.series() {
    ///         if let Value::Counter(count) = series.value {
    ///             *sums.entry(series.id).or_default() += count.delta;
    ///         }
    ///     }
    /// }
    /// let id = mails.series_id().expect("the handle is not disabled");
    /// assert_eq!(sums[&id], 6);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.families().flat_map(|family| {
            let ids = family.ids.iter().zip(family.series());
            ids.map(move |(id, (labels, value))| Series {
                id: *id,
                desc: family.desc,
                labels,
                value,
            })
        })
    }

    /// The value of the series with this name and exactly these labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Value> {
        self.family(name)?.value(labels.iter().copied())
    }

    /// The series without their values; two snapshots have equal sets if no series was added or
    /// removed between them.
    pub fn series_set(&self) -> SeriesSet {
        SeriesSet(self.schema.clone())
    }

    /// Replaces the value of a series, if it has one here.
    pub(crate) fn patch(&mut self, id: Option<SeriesId>, value: Value) {
        if let Some(row) = id.and_then(|id| self.schema.rows.get(&id)) {
            self.values[*row] = value;
        }
    }

    /// The value of the series with this id; `None` if it was removed, or added later.
    pub fn by_id(&self, id: SeriesId) -> Option<&Value> {
        self.values.get(*self.schema.rows.get(&id)?)
    }
}

/// The series of a snapshot without their values, for readers that cache data derived from them.
///
/// Snapshots with equal sets have the same families and the same series ids in the same
/// order, so data derived from one can be zipped with the values of the other. Sets of different
/// registries are never equal. A set keeps names and labels in memory, but no values.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
/// let registry = Registry::new();
/// let before = registry.read().snapshot.series_set();
/// assert_eq!(registry.read().snapshot.series_set(), before);
/// let jobs = registry.counter(&JOBS, &[])?;
/// assert_ne!(registry.read().snapshot.series_set(), before);
/// # drop(jobs);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
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
    /// The value of a counter.
    Counter(Count),
    /// The value of a gauge, a level or a peak; NaN if it is unknown.
    Gauge(f64),
    /// The value of a latency or a distribution.
    Histogram(Histogram),
}

impl Value {
    /// Returns a placeholder for a value that is not known yet.
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

/// A counter's total, and its increments in the last tick and in the last ten.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Count {
    /// The count since the series began.
    pub total: u64,
    /// The count of the last whole tick, whose number is [`Sample::tick`](crate::Sample::tick).
    ///
    /// A fresh read between ticks has the same delta. If the delta of each tick number is added
    /// once, the sum is the total at the end of the last tick.
    pub delta: u64,
    /// The count of the last ten whole ticks.
    pub recent: u64,
    /// The time that those ticks took; zero before the first tick has ended.
    pub span: Duration,
}

/// Adds up the counts of several series; the sum has the longer span.
impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            // Totals wrap, as counters do.
            total: self.total.wrapping_add(other.total),
            delta: self.delta.wrapping_add(other.delta),
            recent: self.recent.wrapping_add(other.recent),
            span: self.span.max(other.span),
        }
    }
}

impl Count {
    /// The rate per second over the last ten whole ticks; `None` before the first tick has ended.
    pub fn rate(&self) -> Option<f64> {
        (!self.span.is_zero()).then(|| self.recent as f64 / self.span.as_secs_f64())
    }
}
