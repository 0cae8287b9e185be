//! Handles of one family by label values that are known only at the call.
//!
//! A handle is the fastest way to record, but some label values are known only at the call: a
//! method and a route, or a name that the application chooses. [`Labelled`] finds the handle for
//! them. The first call with new values registers a series; later calls look it up in a table of
//! the calling thread, without a lock and without allocating. The number of values is part of
//! the type and is checked against the description at construction, so recording cannot fail.
//!
//! Values that are folded at a cap are recorded and not kept in any table, so that user input
//! cannot grow one.

mod handle;
mod shared_handles;
mod table;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::naming::desc::Desc;
use crate::naming::labels::bounded;
use crate::recording::counter::Counter;
use crate::recording::families::Folding;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::latency::Latency;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::sync::atomic::Ordering;
use shared_handles::SharedHandles;

pub use handle::Handle;
pub(crate) use handle::{AnyHandle, HandleKind};

/// Handles of one metric by the values of its `N` labels; clones share everything.
///
/// ```
/// use node0_metrics_core::{Desc, Labelled, Latency, Registry};
/// use std::time::Duration;
///
/// const REQUESTS: Desc = Desc::latency("request_duration_seconds", "Time to answer a request.")
///     .labels(&["method", "route"]);
///
/// // Cold: may fail, may allocate.
/// let registry = Registry::new();
/// let requests: Labelled<Latency, 2> = registry.latencies(&REQUESTS)?;
///
/// // Hot, for values that only the call knows.
/// let route = String::from("/orders/{id}");
/// requests.record(["GET", &route], Duration::from_millis(12));
///
/// let labels = [("method", "GET"), ("route", "/orders/{id}")];
/// let sample = registry.read();
/// let count = sample.snapshot.value("request_duration_seconds", &labels);
/// assert_eq!(count.map(|value| value.as_f64()), Some(1.0));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
///
/// Long values are truncated like all label values. Beyond a cap, new values are recorded in
/// `_other`; such a call is as slow as a registration. The series live until the last clone is
/// dropped.
pub struct Labelled<H, const N: usize> {
    /// The id of the shared handles, copied here so that a lookup need not dereference `live`.
    id: u64,
    /// `None` for one that is disabled.
    live: Option<Arc<Live>>,
    handle: PhantomData<fn() -> H>,
}

/// The store and the handles that all clones share.
#[derive(Debug)]
struct Live {
    store: Arc<Store>,
    desc: Desc,
    handles: Arc<SharedHandles>,
}

impl<H: Handle, const N: usize> Labelled<H, N> {
    /// Creates one whose handles record nothing.
    pub const fn disabled() -> Self {
        Self { id: 0, live: None, handle: PhantomData }
    }

    pub(crate) fn new(store: &Arc<Store>, desc: &Desc) -> Result<Self, RegisterError> {
        store.check(desc, H::KIND, N + H::OWN_LABELS)?;
        let handles = Arc::new(SharedHandles::new());
        let live = Live { store: store.clone(), desc: *desc, handles };
        Ok(Self { id: live.handles.id, live: Some(Arc::new(live)), handle: PhantomData })
    }

    /// Calls `f` with the handle of these values, which are in the order of the description's keys.
    ///
    /// Keep `f` short, and record nothing by other new values inside of it: the calling
    /// thread's table is in use meanwhile, so those would be looked up anew each time.
    #[inline]
    pub fn with<R>(&self, values: [&str; N], f: impl Fn(&H) -> R) -> R {
        let Some(live) = &self.live else { return f(&H::disabled()) };
        let values = values.map(bounded);
        let hash = table::hash(self.id, &values);
        let known = table::find(hash, self.id, &values, |entry| H::of(&entry.handle).map(&f));
        match known {
            Some(result) => result,
            None => live.with_first(hash, &values, f),
        }
    }

    /// Removes series without records for at least `after`; a separate handle keeps its series.
    ///
    /// Call it once a tick, for example from [`Monitor::poll`](crate::Monitor::poll). It checks at
    /// most twice a minute, so a series may stay a minute longer. Idleness is only known of
    /// counters, ratios and latencies; series of other kinds stay.
    ///
    /// If the same values are recorded again, the new series continues from the last totals, so
    /// that no total restarts at zero. The registry keeps as many such totals as the family may
    /// have series, and drops the oldest first.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, ManualClock, Registry};
    /// use std::time::Duration;
    ///
    /// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
    /// let clock = ManualClock::new();
    /// let registry = Registry::builder().clock(clock.clock()).build();
    /// let jobs = registry.counters(&JOBS)?;
    /// jobs.add(["mails"], 5);
    ///
    /// let mut ticker = registry.ticker().expect("nobody else ticks");
    /// for _ in 0..20 {
    ///     clock.advance(Duration::from_secs(60));
    ///     jobs.expire_idle(Duration::from_secs(600));
    ///     ticker.tick();
    /// }
    /// let total = || {
    ///     let sample = registry.read();
    ///     sample.snapshot.value("jobs_total", &[("queue", "mails")]).map(|value| value.as_f64())
    /// };
    /// assert_eq!(total(), None);
    /// jobs.inc(["mails"]);
    /// assert_eq!(total(), Some(6.0));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn expire_idle(&self, after: Duration) {
        if let Some(live) = &self.live {
            live.handles.expire(live.store.context.clock.uptime(), after);
        }
    }
}

impl Live {
    /// Registers the series, and keeps its handle in the thread's table.
    #[cold]
    fn with_first<H: Handle, R>(&self, hash: u64, values: &[&str], f: impl Fn(&H) -> R) -> R {
        let Ok(registered) = H::register(&self.store, &self.desc, H::KIND, values) else {
            // Fails only if the registry has its maximum of metric names, or another
            // description took this one. Then there is no cell to record into.
            self.store.context.dropped.fetch_add(1, Ordering::Relaxed);
            return f(&H::disabled());
        };
        let result = f(&registered.handle);
        if registered.folding == Folding::Own {
            table::remember(hash, self.handles.enter(registered, values));
        }
        result
    }
}

impl<const N: usize> Labelled<Counter, N> {
    /// Adds one to the counter of these values.
    #[inline]
    pub fn inc(&self, values: [&str; N]) {
        self.add(values, 1);
    }

    /// Adds `n` to the counter of these values.
    #[inline]
    pub fn add(&self, values: [&str; N], n: u64) {
        self.with(values, |counter| counter.add(n));
    }
}

impl<const N: usize> Labelled<Latency, N> {
    /// Records one duration in the latency of these values.
    #[inline]
    pub fn record(&self, values: [&str; N], duration: Duration) {
        self.with(values, |latency| latency.record(duration));
    }
}

impl<const N: usize> Labelled<HitRatio, N> {
    /// Counts a lookup that found something.
    #[inline]
    pub fn hit(&self, values: [&str; N]) {
        self.with(values, HitRatio::hit);
    }

    /// Counts a lookup that found nothing.
    #[inline]
    pub fn miss(&self, values: [&str; N]) {
        self.with(values, HitRatio::miss);
    }
}

impl<H, const N: usize> Clone for Labelled<H, N> {
    fn clone(&self) -> Self {
        Self { id: self.id, live: self.live.clone(), handle: PhantomData }
    }
}

impl<H, const N: usize> fmt::Debug for Labelled<H, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.live.as_ref().map(|live| live.desc.name());
        f.debug_struct("Labelled").field("metric", &metric).finish_non_exhaustive()
    }
}
