//! Reading: takes the blocks of a query under the lock, and makes the answer after it.
//!
//! Under the lock only pointers to sealed blocks are copied, and the bytes of open ones. Nothing is
//! decompressed there, so a long answer delays no tick.

use std::ops::Range;
use std::time::Duration;

use node0_interval_codec::{Counts, Depth, Numbers, QUANTILES, Row};
use node0_metrics_core::{Labels, Layout};

use crate::answer::{Answer, AnsweredSeries, Resolution, Statistic};
use crate::entry::{Entry, Past};
use crate::fold::{BucketsFold, CallsFold, Fold, LevelFold, Point, RateFold};
use crate::grid::Grid;
use crate::heat::{Heat, HeatFold};
use crate::query::{MAX_VALUES, Query, QueryError, Wanted};
use crate::store::Store;
use crate::tier::{Plan, Time, millis};
use crate::timeline::Observed;
use crate::track::{Extract, Tracks};
use crate::when::When;

/// About as many buckets as a latency fills, for the limit of an answer.
const ROWS: u64 = 64;

/// Everything that an answer is made of.
#[derive(Debug)]
pub(crate) struct Taken {
    metric: String,
    wanted: Wanted,
    statistic: Statistic,
    grid: Grid,
    time: Time,
    plan: Plan,
    /// The period of ticks.
    period: Duration,
    /// The observed intervals of each tier.
    observed: Vec<Vec<Observed>>,
    series: Vec<(Labels, Parts)>,
}

/// The intervals of one series, by what its numbers mean.
#[derive(Debug)]
enum Parts {
    Rate(Vec<Part<Numbers>>),
    Level(Vec<Part<Numbers>>),
    Buckets(Vec<Part<Counts>>, Layout),
}

/// The intervals of one tier, for some of the time.
#[derive(Debug)]
struct Part<R> {
    tier: usize,
    /// The points that have something of this time; the first may have something of the time before.
    points: Range<usize>,
    intervals: (u64, u64),
    extract: Extract<R>,
}

impl Taken {
    /// Takes what a query needs.
    pub(crate) fn new(store: &Store, query: &Query) -> Result<Self, QueryError> {
        let wanted = query.wanted;
        if matches!(wanted, Wanted::Quantile(quantile) if !(0.0..=1.0).contains(&quantile)) {
            return Err(QueryError::Quantile);
        }
        let entries = store.metric(&query.metric);
        let (Some(time), Some(first)) = (store.time, entries.first()) else {
            return Err(QueryError::UnknownMetric {
                metric: query.metric.clone(),
                known: store.names(),
            });
        };
        let is_buckets = |entry: &Entry| matches!(entry.past, Past::Buckets(..));
        if !entries.iter().any(|entry| is_buckets(entry)) {
            check_statistic(query, first)?;
        }
        let range = range(store, time, query)?;
        let grid = Grid::new(&store.plan, range, query.step, is_buckets(first))?;
        let matching: Vec<&Entry> = entries
            .iter()
            .map(|entry| &**entry)
            .filter(|entry| query.matchers.matches(&entry.labels))
            .collect();
        let (series, points) = (matching.len(), grid.points as u64);
        let each = if wanted == Wanted::Buckets { ROWS } else { 1 };
        if (series as u64).saturating_mul(points * each) > MAX_VALUES {
            return Err(QueryError::TooManyValues { series, points });
        }
        let tiers = store.plan.tiers.iter().zip(&store.timelines);
        Ok(Self {
            metric: query.metric.clone(),
            wanted,
            statistic: match (&first.past, wanted) {
                (Past::Rate(_) | Past::Total(..), _) | (_, Wanted::Rate) => Statistic::Rate,
                (Past::Level(_), _) => Statistic::Level,
                (Past::Buckets(..), Wanted::Mean) => Statistic::Mean,
                (Past::Buckets(..), Wanted::Quantile(_)) => Statistic::Quantile,
                (Past::Buckets(..), Wanted::Buckets) => Statistic::Buckets,
            },
            observed: tiers
                .map(|(tier, timeline)| timeline.range(Grid::intervals(tier, &grid.range())))
                .collect(),
            series: matching
                .into_iter()
                .map(|entry| (entry.labels.clone(), Parts::of(entry, store, &grid)))
                .collect(),
            plan: store.plan.clone(),
            period: store.tick_length,
            grid,
            time,
        })
    }

    /// Decompresses the blocks and makes the answer.
    pub(crate) fn answer(self) -> Answer {
        let Self { grid, time, .. } = &self;
        let series = self.series.iter().map(|(labels, parts)| match parts {
            Parts::Rate(parts) => {
                self.read(labels, parts, Depth::All, &mut RateFold::new(self.period))
            }
            Parts::Level(parts) => self.read(labels, parts, Depth::All, &mut LevelFold::default()),
            Parts::Buckets(parts, layout) => match self.wanted {
                Wanted::Mean => self.read_buckets(labels, parts, *layout, None),
                Wanted::Quantile(quantile) => {
                    self.read_buckets(labels, parts, *layout, Some(quantile))
                }
                Wanted::Rate => self.read(labels, parts, Depth::Summary, &mut CallsFold::default()),
                Wanted::Buckets => self.read_heat(labels, parts, *layout),
            },
        });
        Answer {
            statistic: self.statistic,
            from: time.to_wall(grid.first.saturating_sub(grid.step)),
            to: time.to_wall(grid.time(grid.points - 1)),
            step: Duration::from_millis(grid.step),
            timestamps: (0..grid.points).map(|point| time.to_wall(grid.time(point))).collect(),
            series: series.collect(),
            metric: self.metric,
        }
    }

    /// Reads one series of buckets: their summaries, if those have the answer.
    fn read_buckets(
        &self,
        labels: &Labels,
        parts: &[Part<Counts>],
        layout: Layout,
        quantile: Option<f64>,
    ) -> AnsweredSeries {
        // A mean is computed from any summaries; a percentile is that of a single one.
        let has_one_for_each_point =
            |part: &Part<Counts>| self.plan.tiers[part.tier].step >= self.grid.step;
        let is_stored =
            |quantile| QUANTILES.contains(&quantile) && parts.iter().all(has_one_for_each_point);
        if quantile.is_none_or(is_stored) {
            let mut fold = BucketsFold::new(layout, quantile);
            let series = self.read(labels, parts, Depth::Summary, &mut fold);
            // A point may have two rows all the same, as after a restart of the series.
            if !fold.needs_counts {
                return series;
            }
        }
        self.read(labels, parts, Depth::All, &mut BucketsFold::new(layout, quantile))
    }

    /// Reads one series of buckets with the counts of each step.
    fn read_heat(&self, labels: &Labels, parts: &[Part<Counts>], layout: Layout) -> AnsweredSeries {
        let steps = self.fold(parts, Depth::All, &mut HeatFold::new(layout));
        let (bounds, buckets) = Heat::table(&steps);
        let total = |heat: &Option<Heat>| heat.as_ref().map(|heat| heat.total() as f64);
        let values = steps.iter().map(total).collect();
        AnsweredSeries { values, bounds, buckets, ..self.empty(labels, parts) }
    }

    /// Reads one series.
    fn read<F: Fold<Point = Point>>(
        &self,
        labels: &Labels,
        parts: &[Part<F::Row>],
        depth: Depth,
        fold: &mut F,
    ) -> AnsweredSeries {
        let points = self.fold(parts, depth, fold);
        let column = |of: fn(&Point) -> f64| {
            points.iter().map(|point| point.as_ref().map(of)).collect::<Vec<_>>()
        };
        let is_coarse = self.grid.step > self.plan.base() || parts.iter().any(|part| part.tier > 0);
        let bounds = |of| if is_coarse { column(of) } else { Vec::new() };
        AnsweredSeries {
            values: column(|point| point.value),
            min: bounds(|point| point.min),
            max: bounds(|point| point.max),
            ..self.empty(labels, parts)
        }
    }

    /// Folds the intervals of a series into points.
    fn fold<F: Fold>(
        &self,
        parts: &[Part<F::Row>],
        depth: Depth,
        fold: &mut F,
    ) -> Vec<Option<F::Point>> {
        let Self { grid, plan, .. } = self;
        let mut columns = vec![None; grid.points];
        let mut set = |points: Range<usize>, point: Option<F::Point>| {
            if point.is_some() {
                columns[points].fill(point);
            }
        };
        let mut running = 0..0;
        for part in parts {
            let tier = &plan.tiers[part.tier];
            fold.begin(&self.observed[part.tier], tier.halvings);
            part.extract.read(part.intervals, depth, |interval, row| {
                let Range { start, end } = grid.points_of(tier, interval);
                let points = start.max(part.points.start)..end.min(part.points.end);
                if running != points {
                    set(std::mem::replace(&mut running, points), fold.take());
                }
                fold.add(interval, row);
            });
        }
        set(running, fold.take());
        columns
    }

    /// Returns a series without values, with its resolutions.
    fn empty<R>(&self, labels: &Labels, parts: &[Part<R>]) -> AnsweredSeries {
        let Self { grid, plan, time, .. } = self;
        // A point that is made of two tiers has the resolution of the coarser one, which comes first.
        let mut next = 0;
        let resolution = |part: &Part<R>| {
            let from = part.points.start.max(std::mem::replace(&mut next, part.points.end));
            (from < part.points.end).then(|| Resolution {
                from: time.to_wall(grid.time(from)),
                step: Duration::from_millis(plan.tiers[part.tier].step),
            })
        };
        AnsweredSeries {
            labels: labels.clone(),
            values: Vec::new(),
            min: Vec::new(),
            max: Vec::new(),
            bounds: Vec::new(),
            buckets: Vec::new(),
            resolutions: parts.iter().filter_map(resolution).collect(),
        }
    }
}

/// Checks that what is wanted can be made of series like this one.
fn check_statistic(query: &Query, entry: &Entry) -> Result<(), QueryError> {
    let metric = query.metric.clone();
    match (query.wanted, &entry.past) {
        (_, Past::Buckets(..)) | (Wanted::Mean, _) => Ok(()),
        (Wanted::Quantile(_), _) => Err(QueryError::NoQuantiles { metric }),
        (Wanted::Buckets, _) | (Wanted::Rate, Past::Level(_)) => {
            Err(QueryError::NoStatistic { metric })
        }
        (Wanted::Rate, Past::Rate(_) | Past::Total(..)) => Ok(()),
    }
}

/// Returns the range of a query in the time of the history.
fn range(store: &Store, time: Time, query: &Query) -> Result<(u64, u64), QueryError> {
    let now = store.now();
    let resolve = |when: When| match when {
        When::At(at) => time.of_wall(at),
        When::Ago(ago) => now.saturating_sub(millis(ago)),
    };
    let (from, to) = (resolve(query.from), resolve(query.to).min(now));
    if from >= to {
        return Err(QueryError::EmptyRange);
    }
    // Nothing is older than the longest tier keeps it.
    let kept = store.plan.tiers.iter().map(|tier| tier.keep).max().unwrap_or_default();
    let oldest = now.saturating_sub(kept);
    Ok((if to > oldest { from.max(oldest) } else { from }, to))
}

impl Parts {
    fn of(entry: &Entry, store: &Store, grid: &Grid) -> Self {
        match &entry.past {
            Past::Rate(tracks) | Past::Total(tracks, _) => Self::Rate(parts(tracks, store, grid)),
            Past::Level(tracks) => Self::Level(parts(tracks, store, grid)),
            Past::Buckets(tracks, layout) => Self::Buckets(parts(tracks, store, grid), *layout),
        }
    }
}

/// Takes the intervals of a series out of each tier.
fn parts<R: Row>(tracks: &Tracks<R>, store: &Store, grid: &Grid) -> Vec<Part<R>> {
    let plan = &store.plan;
    let start = |tier: usize| {
        // Within the time that a tier keeps, what it does not have is a gap. It may have more.
        let kept = store.kept_since(tier);
        let first = tracks.first(tier);
        first.map_or(kept, |first| plan.tiers[tier].end(first.saturating_sub(1)).min(kept))
    };
    let starts: Vec<u64> = (0..plan.tiers.len()).map(start).collect();
    let part = |(tier, time): (usize, Range<u64>)| {
        let (points, intervals) =
            (grid.points_in(&time), Grid::intervals(&plan.tiers[tier], &time));
        Part { tier, points, intervals, extract: tracks.extract(plan, tier, intervals) }
    };
    grid.parts(plan, &starts).into_iter().map(part).collect()
}
