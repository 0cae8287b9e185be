//! The history: the handle by which a host asks for the past.

use std::sync::{Arc, Mutex};

use node0_metrics_core::{
    Counter, Desc, Event, Gauge, Observer, RegisterError, Registry, Sample, lock,
};

use crate::answer::Answer;
use crate::query::{Query, QueryError};
use crate::reading::Taken;
use crate::stats::Stats;
use crate::store::Store;
use crate::tier::{Plan, Tier};

/// The bytes that a history holds.
pub const BYTES: Desc = Desc::gauge("node0_history_bytes", "Memory that the history holds.");
/// The series of a history.
pub const SERIES: Desc =
    Desc::gauge("node0_history_series", "Series that the history has, also those that are gone.");
/// The intervals that were dropped for lack of room.
pub const EVICTED: Desc = Desc::counter(
    "node0_history_evicted_total",
    "Intervals that the history dropped before their time, for lack of room.",
);
/// The series that found no room.
pub const REFUSED: Desc = Desc::counter(
    "node0_history_refused_total",
    "Times that the history had no room for a series at a tick.",
);

/// The past of all series of a registry; clones share it.
///
/// See the crate's front page.
#[derive(Clone, Debug)]
pub struct History {
    store: Arc<Mutex<Store>>,
}

/// Settings for a [`History`].
#[derive(Clone, Debug)]
#[must_use = "call `register` to get the history"]
pub struct HistoryBuilder {
    tiers: Vec<Tier>,
    max_bytes: usize,
}

impl HistoryBuilder {
    /// Replaces the tiers, the finest first; [`Tier::DEFAULT`] by default.
    ///
    /// The first step is rounded up to a multiple of the registry's tick, and each further one to a
    /// multiple of the step before it. Of more than eight tiers the first eight are taken, and an
    /// empty list changes nothing.
    pub fn tiers(mut self, tiers: &[Tier]) -> Self {
        if !tiers.is_empty() {
            self.tiers = tiers[..tiers.len().min(8)].to_vec();
        }
        self
    }

    /// Limits the memory; 10 MiB by default.
    ///
    /// Beyond it the oldest intervals are dropped, of whatever series and tier. If nothing can be
    /// dropped, new series are not recorded.
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Makes the history, which observes the registry from its next tick on.
    ///
    /// The registry owns the observer, and with it the numbers: they live as long as the registry or
    /// a handle to the history.
    ///
    /// # Errors
    /// [`RegisterError`] if the registry has a history already, or its maximum of metric names.
    pub fn register(self, registry: &Registry) -> Result<History, RegisterError> {
        let tick = registry.tick_length();
        let store = Store::new(Plan::new(&self.tiers, tick), tick, self.max_bytes);
        let history = History { store: Arc::new(Mutex::new(store)) };
        registry.observe(Recorder {
            store: history.store.clone(),
            bytes: registry.gauge(&BYTES, &[])?,
            series: registry.gauge(&SERIES, &[])?,
            evicted: registry.counter(&EVICTED, &[])?,
            refused: registry.counter(&REFUSED, &[])?,
        })?;
        Ok(history)
    }
}

impl Default for HistoryBuilder {
    fn default() -> Self {
        Self { tiers: Tier::DEFAULT.to_vec(), max_bytes: 10 << 20 }
    }
}

impl History {
    /// Makes a history with the default settings; see [`HistoryBuilder::register`].
    ///
    /// # Errors
    /// As [`HistoryBuilder::register`].
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder().register(registry)
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> HistoryBuilder {
        HistoryBuilder::default()
    }

    /// Answers a query.
    ///
    /// It decompresses what it needs on the calling thread: about 0.1 ms for an hour of a counter or
    /// gauge, or of a latency's mean, median, p90, p95, p99, minimum or maximum with the step of a
    /// tier. Other quantiles and other steps of a latency take up to 3 ms. Use a blocking thread in
    /// async code.
    ///
    /// # Errors
    /// [`QueryError`], which names the remedy.
    pub fn query(&self, query: &Query) -> Result<Answer, QueryError> {
        let taken = Taken::new(&lock(&self.store), query)?;
        Ok(taken.answer())
    }

    /// Returns the size of the history, which it counts anew.
    pub fn stats(&self) -> Stats {
        lock(&self.store).stats()
    }

    /// Drops what is older than its tier keeps, and returns unused memory.
    ///
    /// Each tick drops old data too, so there is no need to call it. Calling it twice is as good as once.
    pub fn cleanup(&self) {
        let mut store = lock(&self.store);
        store.expire();
        store.shrink();
    }
}

/// Records each sample.
#[derive(Debug)]
struct Recorder {
    store: Arc<Mutex<Store>>,
    bytes: Gauge,
    series: Gauge,
    evicted: Counter,
    refused: Counter,
}

impl Observer for Recorder {
    fn name(&self) -> &'static str {
        "history"
    }

    fn observe(&mut self, sample: &Arc<Sample>, missed: u64) -> Vec<Event> {
        let mut store = lock(&self.store);
        let (evicted, refused) = (store.evicted, store.refused);
        store.observe(sample, missed);
        self.bytes.set(store.bytes() as f64);
        self.series.set(store.series() as f64);
        self.evicted.add(store.evicted - evicted);
        self.refused.add(store.refused - refused);
        Vec::new()
    }
}
