//! A handle whose kind is known at run time only.

use std::time::Duration;

use crate::naming::series_id::SeriesId;
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::families::Cells;
use crate::recording::gauge::Gauge;
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::up_down::UpDown;
use crate::sync::atomic::Ordering;

/// A handle of any kind, for metrics that are known at run time only.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a series lasts as long as a handle to it"]
pub enum AnyMetric {
    /// Of [`Kind::Counter`](crate::Kind::Counter).
    Counter(Counter),
    /// Of [`Kind::Gauge`](crate::Kind::Gauge) and [`Kind::Total`](crate::Kind::Total).
    Gauge(Gauge),
    /// Of [`Kind::UpDown`](crate::Kind::UpDown).
    UpDown(UpDown),
    /// Of [`Kind::Peak`](crate::Kind::Peak).
    Peak(Peak),
    /// Of [`Kind::Latency`](crate::Kind::Latency).
    Latency(Latency),
    /// Of [`Kind::Distribution`](crate::Kind::Distribution).
    Distribution(Distribution),
}

impl AnyMetric {
    /// The id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        match self {
            Self::Counter(counter) => counter.series_id(),
            Self::Gauge(gauge) => gauge.series_id(),
            Self::UpDown(level) => level.series_id(),
            Self::Peak(peak) => peak.series_id(),
            Self::Latency(latency) => latency.series_id(),
            Self::Distribution(distribution) => distribution.series_id(),
        }
    }

    /// Does with a number what the kind does: counts it, sets it, moves to it or records it.
    ///
    /// Of what the kind cannot take, such as a negative count, it takes the
    /// nearest that it can; a duration that is no number is dropped and counted in
    /// [`VALUES_DROPPED`](crate::VALUES_DROPPED).
    pub fn apply(&self, value: f64) {
        match self {
            // Casts saturate, and NaN becomes zero.
            Self::Counter(counter) => counter.add(value as u64),
            Self::Gauge(gauge) => gauge.set(value),
            Self::UpDown(level) => level.add(value as i64),
            Self::Peak(peak) => peak.record(value as u64),
            Self::Latency(latency) => {
                let bounded = value.clamp(0.0, f64::from(u32::MAX));
                if let Ok(duration) = Duration::try_from_secs_f64(bounded) {
                    latency.record(duration);
                } else if let Some(context) = latency.context() {
                    context.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Self::Distribution(distribution) => distribution.record(value),
        }
    }
}

impl From<Cells> for AnyMetric {
    fn from(cells: Cells) -> Self {
        match cells {
            Cells::Counter(core) => Self::Counter(Counter::new(core)),
            Cells::Gauge(core) => Self::Gauge(Gauge::new(core)),
            Cells::UpDown(core) => Self::UpDown(UpDown::new(core)),
            Cells::Peak(core) => Self::Peak(Peak::new(core)),
            Cells::Latency(core) => Self::Latency(Latency::new(core)),
            Cells::Distribution(core) => Self::Distribution(Distribution::new(core)),
        }
    }
}
