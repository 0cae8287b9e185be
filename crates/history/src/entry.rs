//! One series with its past.

use std::borrow::Cow;
use std::cmp::Ordering;

use node0_interval_codec::{Counts, Numbers};
use node0_metrics_core::{Delta, Kind, Labels, Layout, Series, SeriesId, Value};

use crate::tier::Plan;
use crate::track::Tracks;

/// One series with its past.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The id of the live series; after a restart the name and labels get another one.
    pub(crate) id: SeriesId,
    pub(crate) name: Cow<'static, str>,
    pub(crate) labels: Labels,
    pub(crate) past: Past,
    /// The last tick whose sample had the series.
    pub(crate) seen: u64,
    /// `true` after the first tick without it.
    pub(crate) is_gone: bool,
}

/// The past of a series, by what its numbers mean.
#[derive(Debug)]
pub(crate) enum Past {
    /// Increments of a counter.
    Rate(Tracks<Numbers>),
    /// Increments of a total, which arrives as a value; with the last value if it was observed.
    Total(Tracks<Numbers>, Option<f64>),
    /// Values of a gauge.
    Level(Tracks<Numbers>),
    /// Values by bucket.
    Buckets(Tracks<Counts>, Layout),
}

/// Calls a method of the tracks, whatever their rows are.
macro_rules! each_past {
    ($past:expr, $tracks:ident => $call:expr) => {
        match $past {
            Past::Rate($tracks) | Past::Total($tracks, _) | Past::Level($tracks) => $call,
            Past::Buckets($tracks, _) => $call,
        }
    };
}
pub(crate) use each_past;

/// The tick of a sample, as its deltas need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// It took about its period, so its deltas are those of an interval.
    pub(crate) is_whole: bool,
    /// And the tick before it was observed.
    pub(crate) follows: bool,
    /// The number of such ticks in a period: 1 if it took its period.
    pub(crate) pace: f64,
}

impl Entry {
    pub(crate) fn new(series: &Series<'_>, past: Past) -> Self {
        Self {
            id: series.id,
            name: series.desc.name.clone(),
            labels: series.labels.clone(),
            past,
            seen: 0,
            is_gone: false,
        }
    }

    pub(crate) fn compare(&self, series: &Series<'_>, past: &Past) -> Ordering {
        let name = (*self.name).cmp(&*series.desc.name);
        name.then_with(|| self.labels.cmp(series.labels)).then(self.past.order().cmp(&past.order()))
    }

    /// Adds the numbers of a tick.
    pub(crate) fn record(&mut self, series: &Series<'_>, tick: Tick, plan: &Plan, interval: u64) {
        match (&mut self.past, series.value) {
            (Past::Rate(tracks), Value::Counter(count)) if tick.is_whole => {
                tracks.push(plan, interval, Numbers::paced(count.delta as f64, tick.pace));
            }
            (Past::Total(tracks, last), Value::Gauge(value)) if value.is_finite() => {
                let before = last.replace(*value).filter(|_| tick.follows);
                if let Some(before) = before {
                    // A total that fell began again at zero.
                    let grown = if *value < before { *value } else { tidy(value - before) };
                    tracks.push(plan, interval, Numbers::paced(grown, tick.pace));
                }
            }
            (Past::Level(tracks), Value::Gauge(value)) if value.is_finite() => {
                tracks.push(plan, interval, Numbers::of(*value));
            }
            (Past::Buckets(tracks, _), Value::Histogram(histogram)) if tick.is_whole => {
                tracks.push(plan, interval, counts(histogram.delta()));
            }
            _ => {}
        }
    }

    /// The bytes that the series takes, with its name and labels.
    pub(crate) fn bytes(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.len() + size_of::<(Box<str>, Box<str>)>());
        let name = if let Cow::Owned(name) = &self.name { name.capacity() } else { 0 };
        let past = each_past!(&self.past, tracks => tracks.heap_bytes());
        size_of::<Self>() + name + labels.sum::<usize>() + past
    }
}

impl Past {
    pub(crate) fn of(series: &Series<'_>, plan: &Plan, stagger: u64) -> Self {
        let tiers = plan.tiers.len();
        match series.value {
            Value::Counter(_) => Self::Rate(Tracks::new(tiers, stagger)),
            Value::Histogram(histogram) => {
                Self::Buckets(Tracks::new(tiers, stagger), histogram.delta().layout())
            }
            _ if series.desc.kind == Kind::Total => Self::Total(Tracks::new(tiers, stagger), None),
            _ => Self::Level(Tracks::new(tiers, stagger)),
        }
    }

    /// A number by which series of one name and different kinds are sorted.
    fn order(&self) -> u8 {
        match self {
            Self::Rate(_) => 0,
            Self::Total(..) => 1,
            Self::Level(_) => 2,
            Self::Buckets(_, Layout::Latency) => 3,
            Self::Buckets(..) => 4,
        }
    }
}

/// Returns the counts of a tick by bucket.
fn counts(delta: &Delta) -> Counts {
    // A bucket does not get four billion values in an interval.
    let limit = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Counts::collect(delta.counts().map(|(bucket, count)| (bucket, limit(count))), delta.sum())
}

/// Removes the rounding error of a difference beyond nine decimals, which would be coded in full.
fn tidy(value: f64) -> f64 {
    let rounded = (value * 1e9).round() / 1e9;
    if rounded == 0.0 || !rounded.is_finite() { value } else { rounded }
}
