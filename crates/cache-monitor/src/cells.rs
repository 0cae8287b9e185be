//! The series of one tier, and the records that reach several of them.
//!
//! Tiers can report different events: an in-process map its evictions, a remote tier its errors. A
//! series at zero states that nothing happened. So all series but those of lookups are [`Late`]:
//! they exist once they are recorded, or declared by an adapter that can see such events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    ByLabel, Counter, Instance, InstanceName, Late, Latency, RegisterError, Registry, contain,
    discard, instruments, lock,
};

use crate::descs::*;
use crate::levels::{LevelGauges, Levels};
use crate::thresholds::Thresholds;
use crate::words::{Events, EvictionCause, Found, LoadOutcome, Operation, Size};

instruments! {
    /// The series of a tier, but for its levels.
    pub(crate) struct TierSeries, read as TierNumbers {
        pub(crate) gets: ByLabel<Found, Counter> = GETS,
        pub(crate) times: ByLabel<Operation, Late<Latency>> = OPERATION_DURATION,
        pub(crate) writes: ByLabel<Operation, Late<Counter>> = WRITES,
        pub(crate) errors: ByLabel<Operation, Late<Counter>> = ERRORS,
        pub(crate) cancellations: ByLabel<Operation, Late<Counter>> = CANCELLATIONS,
        pub(crate) evictions: ByLabel<EvictionCause, Late<Counter>> = EVICTIONS,
        pub(crate) evicted_bytes: ByLabel<EvictionCause, Late<Counter>> = EVICTED_BYTES,
        pub(crate) loads: ByLabel<LoadOutcome, Late<Counter>> = LOADS,
        pub(crate) coalesced: Late<Counter> = COALESCED_LOADS,
        pub(crate) stale: Late<Counter> = STALE_SERVED,
        pub(crate) promotions: Late<Counter> = PROMOTIONS,
        pub(crate) raw: Late<Counter> = RAW_BYTES,
        pub(crate) stored: Late<Counter> = STORED_BYTES,
        pub(crate) source_panics: Late<Counter> = SOURCE_PANICS,
    }
}

/// Everything that is recorded of one tier.
pub(crate) struct TierCells {
    pub(crate) registry: Registry,
    pub(crate) cache: InstanceName,
    pub(crate) tier: InstanceName,
    pub(crate) thresholds: Thresholds,
    pub(crate) series: TierSeries,
    levels: Mutex<LevelGauges>,
    source: Mutex<Option<Arc<LevelSource>>>,
}

/// Returns the levels of a tier, or `None` once its cache is gone.
type LevelSource = dyn Fn() -> Option<Levels> + Send + Sync;

impl Instance for TierCells {}

impl TierCells {
    pub(crate) fn register(
        registry: &Registry,
        cache: InstanceName,
        tier: InstanceName,
        thresholds: Thresholds,
    ) -> Result<Self, RegisterError> {
        let series = TierSeries::register(registry, &[&cache, &tier])?;
        series.times[Operation::Get].show();
        Ok(Self {
            registry: registry.clone(),
            cache,
            tier,
            thresholds,
            series,
            levels: Mutex::default(),
            source: Mutex::default(),
        })
    }

    /// Counts a lookup; `took` is `None` where nothing is timed, here and below.
    #[inline]
    pub(crate) fn get(&self, found: Found, took: Option<Duration>) {
        self.series.gets[found].inc();
        self.took(Operation::Get, took);
    }

    pub(crate) fn set(&self, size: Size, took: Option<Duration>) {
        self.series.writes[Operation::Set].inc();
        self.took(Operation::Set, took);
        self.stored(size);
    }

    pub(crate) fn delete(&self, took: Option<Duration>) {
        self.series.writes[Operation::Delete].inc();
        self.took(Operation::Delete, took);
    }

    pub(crate) fn load(&self, outcome: LoadOutcome, took: Option<Duration>) {
        self.series.loads[outcome].inc();
        self.took(Operation::Load, took);
    }

    pub(crate) fn error(&self, operation: Operation, took: Option<Duration>) {
        if operation == Operation::Load {
            return self.load(LoadOutcome::Failure, took);
        }
        self.series.errors[operation].inc();
        self.took(operation, took);
    }

    pub(crate) fn cancelled(&self, operation: Operation, took: Option<Duration>) {
        if operation == Operation::Load {
            return self.load(LoadOutcome::Cancelled, took);
        }
        self.series.cancellations[operation].inc();
        self.took(operation, took);
    }

    #[inline]
    fn took(&self, operation: Operation, took: Option<Duration>) {
        if let Some(took) = took {
            self.series.times[operation].record(took);
        }
    }

    /// Counts the bytes of an entry that a caller or a load stored.
    pub(crate) fn stored(&self, size: Size) {
        if let Some((raw, stored)) = size.raw_and_stored() {
            self.series.raw.add(raw);
            self.series.stored.add(stored);
        }
    }

    /// Registers the series of these events, so that they show zero before the first event.
    pub(crate) fn declare(&self, events: Events) {
        use Operation::{Delete, Get, Load, Set};
        let TierSeries { times, writes, errors, evictions, loads, coalesced, .. } = &self.series;
        match events {
            Events::Writes => [Set, Delete].into_iter().for_each(|write| {
                writes[write].show();
                times[write].show();
            }),
            Events::Evictions => evictions.values().for_each(Late::show),
            Events::Errors => [Get, Set, Delete].into_iter().for_each(|get| errors[get].show()),
            Events::Loads => {
                loads.values().for_each(Late::show);
                coalesced.show();
                times[Load].show();
            }
        }
    }

    pub(crate) fn set_levels(&self, levels: &Levels) {
        let labels = [self.cache.as_str(), self.tier.as_str()];
        // Fails only if another metric has the name: then there is no series to set.
        let _ = lock(&self.levels).learn(&self.registry, &labels, levels);
    }

    /// Takes the levels from a source from the next poll on.
    pub(crate) fn follow(&self, source: Arc<LevelSource>) {
        self.series.source_panics.show();
        // The source before is dropped without the lock, since its destructor may call `follow`.
        let _before = lock(&self.source).replace(source);
    }

    /// Copies the levels of the source; while it panics and once its cache is gone, they are unknown.
    pub(crate) fn poll(&self) {
        let Some(source) = lock(&self.source).clone() else { return };
        // Called without the lock, since a source may call `follow`. It is the host's code, so its
        // panic, or that of its destructor, must not prevent the poll of other tiers.
        let levels = contain(|| source()).unwrap_or_else(|_| {
            self.series.source_panics.inc();
            Some(Levels::default())
        });
        if levels.is_none() {
            lock(&self.source).take_if(|next| Arc::ptr_eq(next, &source));
        }
        self.set_levels(&levels.unwrap_or_default());
        discard(source);
    }
}
