//! The series of a registry by family, with caps on their number.
//!
//! Label values can come from user input, so the number of series is limited here. When a
//! family reaches its cap, new label sets are folded into one series whose label values are all
//! [`OTHER`](crate::OTHER). Totals stay right, and a counter counts the folded sets.
//!
//! A series is removed after its last handle is dropped: at the end of a tick, after one more
//! sample, so that no record is lost.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use crate::naming::desc::{Desc, DescError, Kind, OwnedDesc, check_labels, cut_help};
use crate::naming::labels::Labels;
use crate::naming::sample_names;
use crate::naming::series_id::SeriesId;
use crate::reading::snapshot::{FamilySchema, Schema};
use crate::recording::context::Context;
use crate::recording::counter::Counter;
use crate::recording::kinds::{Cells, Head};
use crate::recording::register_error::RegisterError;
use crate::recording::remembered::{Expired, Remembered, Totals};
use crate::sync;
use crate::sync::atomic::Ordering;

/// Registrations that were folded because the family, or the registry, was full.
pub const SERIES_FOLDED: Desc = Desc::counter(
    "node0_series_folded_total",
    "Registrations that were folded into the series `_other` because a cap on series was reached.",
)
.labels(&["metric"]);

/// The upper bounds that the host sets for the exported buckets of some metrics, by name.
pub(crate) type SetBounds = BTreeMap<String, Vec<f64>>;

/// The caps on the number of families and series of a registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) families: usize,
    pub(crate) series: usize,
    pub(crate) scalars_per_family: usize,
    pub(crate) histograms_per_family: usize,
}

impl Limits {
    /// The most series of one family, `_other` apart.
    fn per_family(&self, kind: Kind) -> usize {
        if kind.is_histogram() { self.histograms_per_family } else { self.scalars_per_family }
    }
}

/// All series of one metric name.
#[derive(Debug)]
struct Family {
    desc: Arc<OwnedDesc>,
    /// The label keys of all series, sorted.
    keys: Box<[Box<str>]>,
    series: BTreeMap<Labels, Series>,
}

#[derive(Debug)]
struct Series {
    cells: Cells,
    /// The number of times that a handle was asked for.
    asked: u64,
}

impl Series {
    fn new(expired: Option<Expired>, desc: &OwnedDesc, context: &sync::Arc<Context>) -> Self {
        let cells = Cells::new(Head::new(expired), desc, context);
        cells.resume();
        Self { cells, asked: 0 }
    }
}

/// Takes the totals of an expired series with these labels, if there was one of the same kind.
fn take_expired(
    remembered: &mut HashMap<Cow<'static, str>, Remembered>,
    desc: &OwnedDesc,
    labels: &Labels,
) -> Option<Expired> {
    let remembered = remembered.get_mut(&desc.name)?;
    if remembered.kind == desc.kind { remembered.take(labels) } else { None }
}

impl Family {
    /// Refuses another description of the name, and other label keys.
    fn check(&self, desc: &OwnedDesc, labels: &Labels) -> Result<(), RegisterError> {
        match self.difference(desc, labels) {
            Some(difference) => {
                Err(RegisterError::Conflict { name: desc.name.clone(), difference })
            }
            None => Ok(()),
        }
    }

    /// Returns the part in which another description of the name differs.
    fn difference(&self, desc: &OwnedDesc, labels: &Labels) -> Option<&'static str> {
        let checks = [
            ("kind", self.desc.kind == desc.kind),
            ("help text", self.desc.help == desc.help),
            ("unit", self.desc.unit == desc.unit),
            ("bounds", self.desc.bounds == desc.bounds),
            ("classic name", self.desc.classic == desc.classic),
            ("label left out of it", self.desc.classic_without == desc.classic_without),
            (
                "set of label keys",
                self.keys.iter().map(|key| &**key).eq(labels.iter().map(|(key, _)| key)),
            ),
        ];
        checks.into_iter().find_map(|(what, same)| (!same).then_some(what))
    }
}

/// All families of a registry.
#[derive(Debug)]
pub(crate) struct Families {
    by_name: BTreeMap<Cow<'static, str>, Family>,
    limits: Limits,
    set_bounds: SetBounds,
    /// The core's own metrics.
    own: &'static [&'static Desc],
    series: usize,
    /// The series `_other`, and the counters of folded label sets. Handles to them live only
    /// for one call, so the series are kept here.
    pinned: HashMap<SeriesId, Cells>,
    /// The totals of expired series, by the name of their family.
    remembered: HashMap<Cow<'static, str>, Remembered>,
    /// A number that changes when a series is added or removed, or a help text is replaced.
    pub(crate) generation: u64,
}

/// Series without a handle, by their ids.
#[derive(Debug)]
pub(crate) struct Orphans(HashMap<SeriesId, Orphan>);

#[derive(Clone, Copy, Debug)]
struct Orphan {
    /// The number of times that a handle had been asked for.
    asked: u64,
    /// The row in the pass.
    row: usize,
}

/// The outcome of a registration: a series of its own, or the family's `_other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folding {
    Own,
    Folded,
}

/// The result of a registration: cells, or the handle that was made of them.
#[derive(Debug)]
pub struct Registered<H> {
    pub(crate) handle: H,
    /// The number of the series; of two, that of one which is not folded.
    pub(crate) id: SeriesId,
    pub(crate) folding: Folding,
}

impl Registered<Cells> {
    fn new(cells: Cells, folding: Folding) -> Self {
        Self { id: cells.id(), handle: cells, folding }
    }
}

impl Families {
    /// Makes a registry's families; those of `own` are not limited.
    pub(crate) fn new(
        limits: Limits,
        set_bounds: SetBounds,
        own: &'static [&'static Desc],
    ) -> Self {
        Self {
            by_name: BTreeMap::new(),
            limits,
            set_bounds,
            own,
            series: 0,
            pinned: HashMap::new(),
            remembered: HashMap::new(),
            generation: 0,
        }
    }

    /// Returns `true` for the core's own metrics. Their labels are the names of guests and topics,
    /// of which the host has few. Folded, they would not say which guest failed.
    fn is_own(&self, desc: &OwnedDesc) -> bool {
        self.own.iter().any(|own| own.name() == desc.name)
    }

    /// Returns a description with the bounds that the host set for it.
    fn with_set_bounds<'d>(&self, desc: &'d OwnedDesc) -> Result<Cow<'d, OwnedDesc>, DescError> {
        let bounds = self.set_bounds.get(&*desc.name).filter(|_| desc.kind.is_histogram());
        let set = bounds.map(|bounds| desc.clone().with_bounds(bounds)).transpose()?;
        Ok(set.map_or(Cow::Borrowed(desc), Cow::Owned))
    }

    /// Refuses a description that no registration with these label keys could succeed with.
    pub(crate) fn check(&self, desc: &OwnedDesc, labels: &Labels) -> Result<(), RegisterError> {
        let desc = &*self.with_set_bounds(desc)?;
        let Some(family) = self.by_name.get(&desc.name) else {
            if self.by_name.len() >= self.limits.families && !self.is_own(desc) {
                return Err(RegisterError::TooManyFamilies { limit: self.limits.families });
            }
            check_labels(&desc.name, labels.iter().map(|(key, _)| key))?;
            desc.check(|key| labels.get(key).is_some())?;
            return self.check_lines(desc);
        };
        family.check(desc, labels)
    }

    /// Refuses a new description with a line on some page that another family has already.
    fn check_lines(&self, desc: &OwnedDesc) -> Result<(), RegisterError> {
        let takes = |other: &str, line: &str| {
            let kind = self.by_name.get(other).map(|family| family.desc.kind);
            kind.is_some_and(|kind| sample_names::taken(other, kind).any(|taken| taken == line))
        };
        let clash = sample_names::taken(&desc.name, desc.kind).find_map(|line| {
            let other = sample_names::takers(&line).find(|other| takes(other, &line))?;
            Some(RegisterError::Clash { name: desc.name.clone(), other, line })
        });
        clash.map_or(Ok(()), Err)
    }

    /// Replaces the help text of a family that was described at run time; `false` if there is
    /// none of that name.
    ///
    /// A constant description could not be registered with another text afterwards.
    pub(crate) fn describe(&mut self, name: &str, help: &str) -> bool {
        let family = self.by_name.get_mut(name).filter(|family| !family.desc.is_constant());
        let Some(family) = family else { return false };
        Arc::make_mut(&mut family.desc).help = cut_help(help).to_owned().into();
        self.generation += 1; // readers keep what they derived from the text
        true
    }

    /// Returns the series with these labels, made if there is none, or the one into which they are folded.
    pub(crate) fn get_or_insert(
        &mut self,
        desc: &OwnedDesc,
        labels: Labels,
        context: &sync::Arc<Context>,
    ) -> Result<Registered<Cells>, RegisterError> {
        let desc = &*self.with_set_bounds(desc)?;
        let Some(family) = self.by_name.get_mut(&desc.name) else {
            self.check(desc, &labels)?;
            let is_full = self.series >= self.limits.series && !self.is_own(desc);
            let folds = is_full && !labels.is_empty();
            return Ok(self.insert_or_fold(folds, desc, labels, context));
        };
        family.check(desc, &labels)?;
        let (held, cap) = (family.series.len(), self.limits.per_family(desc.kind));
        let has_room = held < cap && self.series < self.limits.series;
        let labels = match family.series.entry(labels) {
            Entry::Occupied(entry) => {
                let series = entry.into_mut();
                series.asked += 1;
                series.cells.head().has_expired.store(false, Ordering::Relaxed);
                return Ok(Registered::new(series.cells.clone(), Folding::Own));
            }
            Entry::Vacant(entry) if has_room => {
                let expired = take_expired(&mut self.remembered, desc, entry.key());
                let series = entry.insert(Series::new(expired, desc, context));
                series.asked += 1;
                let cells = series.cells.clone();
                self.count_new();
                return Ok(Registered::new(cells, Folding::Own));
            }
            Entry::Vacant(entry) => entry.into_key(),
        };
        // The series `_other` does not count.
        let is_full = held > cap || held == cap && !family.series.contains_key(&labels.folded());
        let is_full = is_full || self.series >= self.limits.series;
        let folds = is_full && !self.is_own(desc);
        Ok(self.insert_or_fold(folds, desc, labels, context))
    }

    /// Makes a series, or counts that its labels are folded and returns `_other`.
    fn insert_or_fold(
        &mut self,
        folds: bool,
        desc: &OwnedDesc,
        labels: Labels,
        context: &sync::Arc<Context>,
    ) -> Registered<Cells> {
        if !folds {
            return Registered::new(self.insert(desc, labels, context), Folding::Own);
        }
        let metric = Labels::new([("metric", &*desc.name)]);
        let count = self.insert(&(&SERIES_FOLDED).into(), metric, context);
        let cells = self.insert(desc, labels.folded(), context);
        if let Cells::Counter(core) = &count {
            Counter::new(core.clone()).inc();
        }
        for cells in [count, cells.clone()] {
            self.pinned.entry(cells.id()).or_insert(cells);
        }
        Registered::new(cells, Folding::Folded)
    }

    /// Returns the series with these labels, made if there is none, whatever the caps.
    fn insert(&mut self, desc: &OwnedDesc, labels: Labels, context: &sync::Arc<Context>) -> Cells {
        let family = self.by_name.entry(desc.name.clone()).or_insert_with(|| Family {
            desc: Arc::new(desc.clone()),
            keys: labels.iter().map(|(key, _)| key.into()).collect(),
            series: BTreeMap::new(),
        });
        let mut is_new = false;
        let expired = take_expired(&mut self.remembered, desc, &labels);
        let series = family.series.entry(labels).or_insert_with(|| {
            is_new = true;
            Series::new(expired, desc, context)
        });
        series.asked += 1;
        let cells = series.cells.clone();
        if is_new {
            self.count_new();
        }
        cells
    }

    fn count_new(&mut self) {
        self.series += 1;
        self.generation += 1; // a series came
    }

    /// Returns the series that no handle holds any more, for [`Self::remove`] once they were sampled.
    ///
    /// A series that the pass does not have yet is left out: it has two holders like an
    /// orphan, the families and a handle, where an orphan has the families and the pass.
    pub(crate) fn orphans(&self, sampled: &Schema) -> Orphans {
        let series = self.by_name.values().flat_map(|family| family.series.values());
        let orphans = series.filter_map(|series| {
            let id = series.cells.id();
            let row = *sampled.rows.get(&id)?;
            series.cells.is_orphan().then_some((id, Orphan { asked: series.asked, row }))
        });
        Orphans(orphans.collect())
    }

    /// Removes the orphans to which no new handle was created since.
    ///
    /// The totals of those that expired are remembered; `shown` returns them for a row.
    pub(crate) fn remove(&mut self, orphans: &Orphans, shown: impl Fn(usize) -> Option<Totals>) {
        let before = self.series;
        let leaving = |series: &Series| {
            let orphan = orphans.0.get(&series.cells.id())?;
            (orphan.asked == series.asked && series.cells.is_orphan()).then_some(*orphan)
        };
        for (name, family) in &mut self.by_name {
            let kind = family.desc.kind;
            let most = self.limits.per_family(kind);
            let held = family.series.len();
            family.series.retain(|labels, series| {
                let Some(orphan) = leaving(series) else { return true };
                if series.cells.head().has_expired.load(Ordering::Relaxed)
                    && let Some(totals) = shown(orphan.row)
                {
                    let none = || Remembered::new(kind);
                    let remembered = self.remembered.entry(name.clone()).or_insert_with(none);
                    if remembered.kind != kind {
                        *remembered = none();
                    }
                    let expired = Expired { id: series.cells.id(), totals };
                    remembered.keep(labels.clone(), expired, most);
                }
                false
            });
            self.series -= held - family.series.len();
        }
        self.by_name.retain(|_, family| !family.series.is_empty());
        if self.series != before {
            self.generation += 1;
        }
    }

    /// Returns the names and labels of all series, and their cells in the same order.
    pub(crate) fn schema(&self) -> (Schema, Vec<Cells>) {
        let mut cells = Vec::with_capacity(self.series);
        let mut ids = Vec::with_capacity(self.series);
        let mut rows = HashMap::with_capacity(self.series);
        let families = self.by_name.values().map(|family| {
            let first_row = cells.len();
            for series in family.series.values() {
                rows.insert(series.cells.id(), cells.len());
                ids.push(series.cells.id());
                cells.push(series.cells.clone());
            }
            let labels = family.series.keys().cloned().collect();
            FamilySchema { desc: family.desc.clone(), labels, first_row }
        });
        let families = families.collect();
        (Schema { families, ids, rows, generation: self.generation }, cells)
    }
}
