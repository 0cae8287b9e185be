//! What a [`Labelled`](super::Labelled) can hold, and how each kind is made.

use crate::naming::desc::{Desc, Kind};
use crate::naming::series_id::SeriesId;
use crate::recording::any_metric::AnyMetric;
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::families::{Cells, Folding, RegisterError};
use crate::recording::gauge::Gauge;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::lanes::Reader;
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::store::Store;
use crate::recording::up_down::UpDown;
use crate::sync::atomic::AtomicUsize;

/// A kind of handle; sealed, since the registry makes them all.
pub trait Handle: Stored {}

/// What the registry and the tables must know of a kind.
pub trait Stored: Into<Stock> + 'static {
    /// The kind of the description.
    const KIND: Kind;
    /// How many of the description's labels, the last ones, the handle sets itself.
    const OWN_LABELS: usize = 0;

    /// A handle that records nothing.
    fn disabled() -> Self;

    /// The handle of a series, made if there is none.
    fn find(store: &Store, desc: &Desc, values: &[&str]) -> Result<Found<Self>, RegisterError>;

    /// The handle in the stock, if it is of this kind.
    fn of(stock: &Stock) -> Option<&Self>;
}

/// A handle of any kind, as tables hold it.
#[derive(Clone, Debug)]
pub enum Stock {
    /// Of one series.
    One(AnyMetric),
    /// Of the two series of a ratio.
    Ratio(HitRatio),
}

/// A handle that was just found or made.
#[derive(Debug)]
pub struct Found<H> {
    pub(crate) handle: H,
    /// The id of the series, of one that is not folded if there are two.
    pub(crate) id: SeriesId,
    pub(crate) folding: Folding,
}

impl Stock {
    /// The counts of lapsed handles of its series.
    pub(crate) fn lapsed(&self) -> impl Iterator<Item = &AtomicUsize> {
        let counts = match self {
            Self::One(metric) => [lapsed(metric), None],
            Self::Ratio(HitRatio { hits, misses }) => [hits.lapsed(), misses.lapsed()],
        };
        counts.into_iter().flatten()
    }

    /// A number that changes with every record; `None` where a kind does not show it.
    pub(crate) fn mark(&self, reader: &Reader) -> Option<u64> {
        match self {
            Self::One(AnyMetric::Counter(counter)) => Some(counter.mark(reader)),
            Self::One(AnyMetric::Latency(latency)) => Some(latency.mark(reader)),
            Self::One(_) => None,
            Self::Ratio(HitRatio { hits, misses }) => {
                Some(hits.mark(reader).wrapping_add(misses.mark(reader)))
            }
        }
    }
}

fn lapsed(metric: &AnyMetric) -> Option<&AtomicUsize> {
    match metric {
        AnyMetric::Counter(counter) => counter.lapsed(),
        AnyMetric::Gauge(gauge) => gauge.lapsed(),
        AnyMetric::UpDown(level) => level.lapsed(),
        AnyMetric::Peak(peak) => peak.lapsed(),
        AnyMetric::Latency(latency) => latency.lapsed(),
        AnyMetric::Distribution(distribution) => distribution.lapsed(),
    }
}

/// The kinds that stand for one series each.
macro_rules! handles {
    ($($handle:ident),*) => { $(
        impl Handle for $handle {}

        impl Stored for $handle {
            const KIND: Kind = Kind::$handle;

            fn disabled() -> Self {
                Self::disabled()
            }

            fn find(
                store: &Store,
                desc: &Desc,
                values: &[&str],
            ) -> Result<Found<Self>, RegisterError> {
                let registered = store.series(desc, Kind::$handle, values)?;
                let (id, folding) = (registered.cells.id(), registered.folding);
                match registered.cells {
                    Cells::$handle(core) => {
                        Ok(Found { handle: Self::new(core), id, folding })
                    }
                    _ => Err(RegisterError::Kind {
                        name: desc.name().into(),
                        is: desc.kind(),
                        wanted: Kind::$handle,
                    }),
                }
            }

            fn of(stock: &Stock) -> Option<&Self> {
                match stock {
                    Stock::One(AnyMetric::$handle(handle)) => Some(handle),
                    _ => None,
                }
            }
        }

        impl From<$handle> for Stock {
            fn from(handle: $handle) -> Self {
                Self::One(AnyMetric::$handle(handle))
            }
        }
    )* };
}

handles!(Counter, Gauge, UpDown, Peak, Latency, Distribution);

impl Handle for HitRatio {}

impl Stored for HitRatio {
    const KIND: Kind = Kind::Counter;
    const OWN_LABELS: usize = 1;

    fn disabled() -> Self {
        Self::disabled()
    }

    fn find(store: &Store, desc: &Desc, values: &[&str]) -> Result<Found<Self>, RegisterError> {
        let hits = Counter::find(store, desc, &[values, &["hit"]].concat())?;
        let misses = Counter::find(store, desc, &[values, &["miss"]].concat())?;
        // Where one of the two is folded, the other must not leave for want of a handle.
        let own = if hits.folding == Folding::Own { &hits } else { &misses };
        let (id, folding) = (own.id, own.folding);
        Ok(Found { handle: Self { hits: hits.handle, misses: misses.handle }, id, folding })
    }

    fn of(stock: &Stock) -> Option<&Self> {
        match stock {
            Stock::Ratio(ratio) => Some(ratio),
            Stock::One(_) => None,
        }
    }
}

impl From<HitRatio> for Stock {
    fn from(ratio: HitRatio) -> Self {
        Self::Ratio(ratio)
    }
}
