//! Late instruments: series that do not exist before their first record.
//!
//! A counter at zero states that nothing happened. If that is not known, because the source
//! may be unable to report such events, no series is better than a zero.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::{Instrument, sealed};
use crate::naming::desc::Desc;
use crate::reading::histogram::Histogram;
use crate::reading::sample::View;
use crate::reading::snapshot::{Count, Value};
use crate::recording::counter::Counter;
use crate::recording::labelled::Handle;
use crate::recording::latency::Latency;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::registry::Registry;
use crate::sync::atomic::Ordering;

/// A [`Counter`] or [`Latency`] whose series is registered when it is first used.
///
/// It dereferences to the handle. The first use takes the registry's lock; later uses cost one
/// load. The description is checked at construction.
///
/// ```
/// use node0_metrics_core::{Counter, Desc, Late, Registry};
///
/// const ERRORS: Desc = Desc::counter("cache_errors_total", "Errors.").labels(&["cache"]);
/// let registry = Registry::new();
/// let errors: Late<Counter> = registry.instrument(&ERRORS, &["orders"])?;
/// let shown = || registry.read().view().read(&errors).map(|errors| errors.total);
/// assert_eq!(shown(), None);
///
/// errors.show();
/// assert_eq!(shown(), Some(0));
/// errors.inc();
/// assert_eq!(shown(), Some(1));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Late<H> {
    handle: OnceLock<H>,
    store: Arc<Store>,
    desc: Desc,
    values: Box<[Box<str>]>,
}

impl<H: Handle> Late<H> {
    fn new(registry: &Registry, desc: &Desc, values: &[&str]) -> Result<Self, RegisterError> {
        let store = &registry.engine.store;
        store.check(desc, H::KIND, values.len())?;
        let values = values.iter().map(|value| (*value).into()).collect();
        Ok(Self { handle: OnceLock::new(), store: store.clone(), desc: *desc, values })
    }

    /// Registers the series now, so that it shows zero before the first record.
    pub fn show(&self) {
        let _: &H = self;
    }

    #[cold]
    fn first(&self) -> H {
        let values: Vec<&str> = self.values.iter().map(|value| &**value).collect();
        self.store.handle(&self.desc, &values).unwrap_or_else(|_| {
            // Since the check another description took the metric's name, or the registry got its
            // maximum of names.
            self.store.context.dropped.fetch_add(1, Ordering::Relaxed);
            H::disabled()
        })
    }
}

impl<H: Handle> Deref for Late<H> {
    type Target = H;

    #[inline]
    fn deref(&self) -> &H {
        self.handle.get_or_init(|| self.first())
    }
}

impl<H: fmt::Debug> fmt::Debug for Late<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Late").field(&self.handle.get()).finish()
    }
}

/// Implements `Instrument` for late handles, with the type of their value in a view.
macro_rules! late {
    ($($handle:ident => $shown:ty: $value:pat => $made:expr;)*) => { $(
        impl sealed::Sealed for Late<$handle> {}

        impl Instrument for Late<$handle> {
            /// `None` while the series does not exist.
            type Reading<'a> = Option<$shown>;

            fn register(
                registry: &Registry,
                desc: &Desc,
                values: &[&str],
            ) -> Result<Self, RegisterError> {
                Self::new(registry, desc, values)
            }

            fn read<'a>(&self, view: &View<'a>) -> Self::Reading<'a> {
                match view.snapshot.by_id(self.handle.get()?.series_id()?)? {
                    $value => Some($made),
                    _ => None,
                }
            }

            fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Self::Reading<'a> {
                match view.value_of(desc, values)? {
                    $value => Some($made),
                    _ => None,
                }
            }
        }
    )* };
}

late! {
    Counter => Count: Value::Counter(count) => *count;
    Latency => &'a Histogram: Value::Histogram(times) => times;
}
