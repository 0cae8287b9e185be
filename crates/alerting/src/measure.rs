//! What a sample says about a condition: one reading for each set of labels.
//!
//! A reading is a number, or one of two kinds of silence. *Quiet* means that the series are there
//! and have too few data to judge, as without traffic: the condition does not hold. *Missing*
//! means that nobody knows, as when a gauge is not readable or a monitor failed: the alert keeps
//! its state. A series that is not in the sample has no reading, which is as good as missing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use node0_metrics_core::{Buckets, Count, Family, Labels, Sample, Snapshot, Unit, Value};

use crate::condition::{Metric, Statistic, Text};

/// A sample, as far as it can be trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted<'s> {
    pub(crate) sample: &'s Sample,
    /// The longest window of a latency that does not contain a gap; `None` if there was none.
    pub(crate) longest_window: Option<Duration>,
}

/// A reading of a condition's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    Value(f64),
    /// There are too few data to judge.
    Quiet,
    /// The value is not known.
    Missing,
}

/// The readings of a metric by the labels that tell its alerts apart.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    pub(crate) by_labels: BTreeMap<Labels, Reading>,
    pub(crate) unit: Option<Unit>,
}

/// The increments of a counter in the last tick, for its hourly mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Increment {
    pub(crate) count: u64,
    pub(crate) over: Duration,
}

/// What the series with equal labels add up to.
#[derive(Debug, Default)]
struct Sum<'a> {
    value: f64,
    count: Count,
    /// The increments in the numerator and in the denominator of a share.
    part: u64,
    whole: u64,
    /// `true` if a window contains time in which the process was stopped.
    has_gap: bool,
    /// The window, owned only if several series were merged.
    window: Option<Cow<'a, Buckets>>,
}

/// Reads a metric; `hourly_mean` returns the mean rate of a counter, given its last increments.
pub(crate) fn metric(
    metric: &Metric,
    trusted: Trusted<'_>,
    mut hourly_mean: impl FnMut(&Labels, Increment) -> Option<f64>,
) -> Readings {
    let sample = trusted.sample;
    let Some(family) = sample.snapshot.family(&metric.name) else { return Readings::default() };
    let divisors = match &metric.statistic {
        Statistic::DividedBy(name) => values(metric, &sample.snapshot, name),
        _ => BTreeMap::new(),
    };
    let sums = sums(metric, family, trusted.longest_window);
    let by_labels = sums.into_iter().map(|(labels, sum)| {
        let reading = match &metric.statistic {
            Statistic::ShareOfHourlyMean => {
                let last = Increment { count: sum.count.delta, over: sample.tick_span };
                of_mean(metric, &sum, hourly_mean(&labels, last))
            }
            Statistic::DividedBy(_) => quotient(sum.value, divisors.get(&labels)),
            _ => sum.reading(metric),
        };
        (labels, reading)
    });
    Readings { by_labels: by_labels.collect(), unit: Some(unit(metric, family)) }
}

/// Returns the unit of a statistic.
fn unit(metric: &Metric, family: Family<'_>) -> Unit {
    match metric.statistic {
        Statistic::Value | Statistic::Quantile(_) | Statistic::Mean => family.desc.unit,
        Statistic::Rate => Unit::None,
        Statistic::Share { .. } | Statistic::DividedBy(_) | Statistic::ShareOfHourlyMean => {
            Unit::Ratio
        }
    }
}

/// Adds up the gauges of another family by the same labels.
fn values(metric: &Metric, snapshot: &Snapshot, name: &str) -> BTreeMap<Labels, f64> {
    let sums = snapshot.family(name).map(|family| sums(metric, family, None)).unwrap_or_default();
    sums.into_iter().map(|(labels, sum)| (labels, sum.value)).collect()
}

fn quotient(value: f64, divisor: Option<&f64>) -> Reading {
    match divisor {
        Some(divisor) if *divisor > 0.0 && !value.is_nan() => Reading::Value(value / divisor),
        _ => Reading::Missing,
    }
}

fn of_mean(metric: &Metric, sum: &Sum<'_>, mean: Option<f64>) -> Reading {
    match (sum.count.rate(), mean) {
        (Some(rate), Some(mean)) if mean > 0.0 && mean >= metric.min_data => {
            Reading::Value(rate / mean)
        }
        _ => Reading::Quiet,
    }
}

fn sums<'a>(
    metric: &Metric,
    family: Family<'a>,
    longest_window: Option<Duration>,
) -> BTreeMap<Labels, Sum<'a>> {
    let mut sums: BTreeMap<Labels, Sum<'a>> = BTreeMap::new();
    for (labels, value) in family.series() {
        if metric.matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.key))) {
            sums.entry(key(labels, &metric.by)).or_default().add(
                metric,
                labels,
                value,
                longest_window,
            );
        }
    }
    sums
}

/// Returns the labels that tell alerts apart; shares those of the series if it has no others.
fn key(labels: &Labels, by: &[Text]) -> Labels {
    if labels.iter().len() == by.len() && by.iter().all(|key| labels.get(key).is_some()) {
        return labels.clone();
    }
    Labels::new(by.iter().map(|key| (&**key, labels.get(key).unwrap_or_default())))
}

impl<'a> Sum<'a> {
    fn add(
        &mut self,
        metric: &Metric,
        labels: &Labels,
        value: &'a Value,
        longest_window: Option<Duration>,
    ) {
        // A NaN makes the sum NaN, which is read as missing.
        self.value += value.as_f64();
        match value {
            Value::Counter(count) => {
                self.count = self.count + *count;
                if let Statistic::Share { label, part, whole } = &metric.statistic {
                    let value = labels.get(label).unwrap_or_default();
                    let of = |values: &[Text]| values.iter().any(|one| *one == value);
                    self.part += if of(part) { count.recent } else { 0 };
                    self.whole += if of(whole) { count.recent } else { 0 };
                }
            }
            Value::Histogram(histogram)
                if matches!(metric.statistic, Statistic::Quantile(_) | Statistic::Mean) =>
            {
                let window = histogram.window();
                self.has_gap |= longest_window.is_some_and(|longest| window.span > longest);
                let window = window.buckets();
                match &mut self.window {
                    None => self.window = Some(Cow::Borrowed(window)),
                    Some(merged) => merged.to_mut().merge(window),
                }
            }
            _ => {}
        }
    }

    /// Reads a statistic that needs nothing but the sum.
    fn reading(&self, metric: &Metric) -> Reading {
        match &metric.statistic {
            Statistic::Rate => self.count.rate().map_or(Reading::Missing, Reading::Value),
            Statistic::Quantile(_) | Statistic::Mean if self.has_gap => Reading::Missing,
            Statistic::Quantile(q) => self.of_window(metric.min_data, |window| window.quantile(*q)),
            Statistic::Mean => self.of_window(metric.min_data, Buckets::mean),
            Statistic::Share { .. } if self.whole == 0 || (self.whole as f64) < metric.min_data => {
                Reading::Quiet
            }
            Statistic::Share { .. } => Reading::Value(self.part as f64 / self.whole as f64),
            _ if self.value.is_nan() => Reading::Missing,
            _ => Reading::Value(self.value),
        }
    }

    fn of_window(&self, min: f64, read: impl Fn(&Buckets) -> Option<f64>) -> Reading {
        let Some(window) = &self.window else { return Reading::Missing };
        match read(window) {
            Some(value) if window.count() as f64 >= min => Reading::Value(value),
            _ => Reading::Quiet,
        }
    }
}
