//! The handles that a [`Labelled`](super::Labelled) can hold: of one series, and ratios of two.

use crate::naming::desc::{Desc, Kind};
use crate::recording::counter::Counter;
use crate::recording::families::{Folding, Registered};
use crate::recording::hit_ratio::HitRatio;
use crate::recording::kinds::{AnyMetric, Head, SeriesHandle};
use crate::recording::lanes::Reader;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;

/// A handle that can be had by label values; sealed, since the registry makes them all.
pub trait Handle: HandleKind {}

/// A kind of handle as the registry and the tables know it.
pub trait HandleKind: Into<AnyHandle> + 'static {
    /// The kind of the description.
    const KIND: Kind;
    /// The number of labels, the last ones of the description, that the handle sets itself.
    const OWN_LABELS: usize = 0;

    /// Makes a handle that records nothing.
    fn disabled() -> Self;

    /// Returns the handle of a series of `kind`, which is made if there is none.
    fn register(
        store: &Store,
        desc: &Desc,
        kind: Kind,
        values: &[&str],
    ) -> Result<Registered<Self>, RegisterError>;

    /// Returns the handle in a table's entry, if it is of this kind.
    fn of(handle: &AnyHandle) -> Option<&Self>;
}

/// A handle as tables hold it.
#[derive(Clone, Debug)]
pub enum AnyHandle {
    /// A handle of one series.
    One(AnyMetric),
    /// A ratio of two series.
    Ratio(HitRatio),
}

impl AnyHandle {
    /// Returns the heads of its series.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &Head> {
        let heads = match self {
            Self::One(metric) => [metric.head(), None],
            Self::Ratio(HitRatio { hits, misses }) => [hits.head(), misses.head()],
        };
        heads.into_iter().flatten()
    }

    /// Returns a number that changes with every record; `None` where a kind has none.
    pub(crate) fn mark(&self, reader: &Reader) -> Option<u64> {
        match self {
            Self::One(metric) => metric.mark(reader),
            Self::Ratio(HitRatio { hits, misses }) => {
                Some(hits.mark(reader)?.wrapping_add(misses.mark(reader)?))
            }
        }
    }
}

impl Handle for HitRatio {}

impl HandleKind for HitRatio {
    const KIND: Kind = Kind::Counter;
    const OWN_LABELS: usize = 1;

    fn disabled() -> Self {
        Self::disabled()
    }

    fn register(
        store: &Store,
        desc: &Desc,
        kind: Kind,
        values: &[&str],
    ) -> Result<Registered<Self>, RegisterError> {
        let counter = |result| Counter::register(store, desc, kind, &[values, &[result]].concat());
        let (hits, misses) = (counter("hit")?, counter("miss")?);
        // When the cap is reached between the two, one has a series of its own and the other is
        // folded. The table follows the former: it must not be removed while the table uses it.
        let own = if hits.folding == Folding::Own { &hits } else { &misses };
        let (id, folding) = (own.id, own.folding);
        let handle = Self { hits: hits.handle, misses: misses.handle };
        Ok(Registered { handle, id, folding })
    }

    fn of(handle: &AnyHandle) -> Option<&Self> {
        match handle {
            AnyHandle::Ratio(ratio) => Some(ratio),
            AnyHandle::One(_) => None,
        }
    }
}

impl From<HitRatio> for AnyHandle {
    fn from(ratio: HitRatio) -> Self {
        Self::Ratio(ratio)
    }
}
