//! The one table of the kinds of metrics that have cells.
//!
//! A kind has a handle, such as [`Counter`], and a core, which all handles of one series share.
//! Both are in a file of their own. The code that is the same for all kinds is generated from
//! the table below: the enum of all cores, which families and passes use; the enum of all
//! handles, for names that are known only at run time; and the conversion from a registration
//! to a handle. A new kind needs a file, a line in this table, and its memory in
//! [`rows`](crate::reading::rows).
//!
//! These are enums instead of trait objects, because a pass visits all series every tick: a
//! dynamic call would cost more than the work for most rows.

use crate::naming::desc::{Desc, Kind, OwnedDesc};
use crate::naming::series_id::SeriesId;
use crate::recording::context::Context;
use crate::recording::counter::{Counter, CounterCore};
use crate::recording::distribution::{Distribution, DistributionCore};
use crate::recording::families::Registered;
use crate::recording::gauge::{Gauge, GaugeCore};
use crate::recording::labelled::{AnyHandle, Handle, HandleKind};
use crate::recording::lanes::Reader;
use crate::recording::latency::{Latency, LatencyCore};
use crate::recording::peak::{Peak, PeakCore};
use crate::recording::register_error::RegisterError;
use crate::recording::remembered::{Expired, Totals};
use crate::recording::store::Store;
use crate::recording::up_down::UpDown;
use crate::sync;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// The part that all cores share: the series' id, and the state of its handles.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: SeriesId,
    /// The number of lapsed handles: those that are still in tables of idle threads, but are
    /// no longer used.
    pub(crate) lapsed: AtomicUsize,
    /// `true` once the series expired: it is removed because it was idle, and its totals are kept.
    pub(crate) has_expired: AtomicBool,
    /// The totals at which the series starts, if it continues an expired one.
    ///
    /// Boxed, since few series have any and a tick reads the heads of all.
    pub(crate) resumed: Option<Box<Totals>>,
}

impl Head {
    /// Creates the head of a new series, or of one that continues an expired one.
    pub(crate) fn new(expired: Option<Expired>) -> Self {
        let (lapsed, has_expired) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (id, resumed) = match expired {
            Some(Expired { id, totals }) => (id, Some(totals)),
            None => (SeriesId::next(), None),
        };
        Self { id, lapsed, has_expired, resumed: resumed.map(Box::new) }
    }
}

/// A handle to one series; each kind implements it in its own file.
pub(crate) trait SeriesHandle {
    /// The head of the series; `None` for a disabled handle.
    fn head(&self) -> Option<&Head>;

    /// Records a number as the kind does, see [`AnyMetric::apply`].
    fn apply(&self, value: f64);

    /// Returns a number that changes with every record, if the kind has one at hand.
    ///
    /// Only series of such kinds can be seen to be idle.
    fn mark(&self, _reader: &Reader) -> Option<u64> {
        None
    }
}

/// Makes the enums and what goes through them; a kind with several [`Kind`]s lists them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $handle:ident($core:ident) for $($kind:ident)|+;)*) => {
        /// The cells of one series, shared by its handles, the families and the pass.
        #[derive(Clone, Debug)]
        pub(crate) enum Cells {
            $($handle(sync::Arc<$core>),)*
        }

        impl Cells {
            pub(crate) fn new(
                head: Head,
                desc: &OwnedDesc,
                context: &sync::Arc<Context>,
            ) -> Self {
                match desc.kind {
                    $($(Kind::$kind)|+ => {
                        Self::$handle(sync::Arc::new($core::new(head, desc, context)))
                    })*
                }
            }

            pub(crate) fn head(&self) -> &Head {
                match self {
                    $(Self::$handle(core) => &core.head,)*
                }
            }

            fn strong_count(&self) -> usize {
                match self {
                    $(Self::$handle(core) => sync::Arc::strong_count(core),)*
                }
            }
        }

        /// A handle of any kind, for metrics that are known at run time only.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        #[must_use = "a series lasts as long as a handle to it"]
        pub enum AnyMetric {
            $($(#[$doc])* $handle($handle),)*
        }

        impl From<Cells> for AnyMetric {
            fn from(cells: Cells) -> Self {
                match cells {
                    $(Cells::$handle(core) => Self::$handle($handle::new(core)),)*
                }
            }
        }

        impl AnyMetric {
            fn handle(&self) -> &dyn SeriesHandle {
                match self {
                    $(Self::$handle(handle) => handle,)*
                }
            }
        }

        $(
            impl Handle for $handle {}

            impl HandleKind for $handle {
                const KIND: Kind = Kind::$handle;

                fn disabled() -> Self {
                    Self::disabled()
                }

                fn register(
                    store: &Store,
                    desc: &Desc,
                    kind: Kind,
                    values: &[&str],
                ) -> Result<Registered<Self>, RegisterError> {
                    let series = store.series(desc, kind, values)?;
                    let id = series.handle.id();
                    match series.handle {
                        Cells::$handle(core) => {
                            let handle = Self::new(core);
                            Ok(Registered { handle, id, folding: series.folding })
                        }
                        _ => Err(RegisterError::kind(desc, kind)),
                    }
                }

                fn of(handle: &AnyHandle) -> Option<&Self> {
                    match handle {
                        AnyHandle::One(AnyMetric::$handle(handle)) => Some(handle),
                        _ => None,
                    }
                }
            }

            impl From<$handle> for AnyHandle {
                fn from(handle: $handle) -> Self {
                    Self::One(AnyMetric::$handle(handle))
                }
            }
        )*
    };
}

kinds! {
    /// The cells of [`Kind::Counter`].
    Counter(CounterCore) for Counter;
    /// The cells of [`Kind::Gauge`] and [`Kind::Total`].
    Gauge(GaugeCore) for Gauge | Total;
    /// The cells of [`Kind::UpDown`].
    UpDown(CounterCore) for UpDown;
    /// The cells of [`Kind::Peak`].
    Peak(PeakCore) for Peak;
    /// The cells of [`Kind::Latency`].
    Latency(LatencyCore) for Latency;
    /// The cells of [`Kind::Distribution`].
    Distribution(DistributionCore) for Distribution;
}

impl Cells {
    pub(crate) fn id(&self) -> SeriesId {
        self.head().id
    }

    /// Returns `true` if these are the same cells; a series that continues an expired one has
    /// its id but other cells.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.head(), other.head())
    }

    /// Adds the totals of the expired series that a new series continues.
    ///
    /// Call it before a pass can see the series; otherwise a sample could show a total of zero.
    pub(crate) fn resume(&self) {
        // The row of a latency starts with its totals, so they need not be in its cells.
        if let Self::Counter(core) = self
            && core.resumed() > 0
        {
            // The calling thread counts the whole total.
            Counter::new(core.clone()).add(core.resumed());
        }
    }

    /// Returns `true` if only the families, the pass and lapsed handles hold the cells.
    ///
    /// If so, all records of the last handle are visible.
    pub(crate) fn is_orphan(&self) -> bool {
        let holders = self.strong_count();
        // The count is read relaxed; this pairs with the release of the last drop, so that
        // what the last handle recorded is visible from here on.
        fence(Ordering::Acquire);
        // The number of lapsed handles is read second, and a lapsed handle is taken off it
        // before it drops. So a handle that drops just now may be in the first count and not
        // in this one: then an orphan looks like a series in use, until the next tick. The
        // other way around, a lapsed handle is counted (1) and drops, and then the holders are
        // the families, the pass and a handle in use (3): a series in use would be removed.
        holders == 2 + self.head().lapsed.load(Ordering::Acquire)
    }
}

impl AnyMetric {
    /// Records a number: adds it to a counter or a level, sets a gauge to it, or records it.
    ///
    /// A number that the kind does not allow, such as a negative count, is replaced by the nearest
    /// allowed one. A duration that is not a number is dropped and counted in
    /// [`VALUES_DROPPED`](crate::VALUES_DROPPED).
    pub fn apply(&self, value: f64) {
        self.handle().apply(value);
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.head().map(|head| head.id)
    }

    /// The head of the series; `None` for a disabled handle.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.handle().head()
    }

    /// Returns a number that changes with every record; `None` where the kind has none.
    pub(crate) fn mark(&self, reader: &Reader) -> Option<u64> {
        self.handle().mark(reader)
    }
}
