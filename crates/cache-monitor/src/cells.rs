//! The cells of one tier.
//!
//! What each tier has is registered with it. The rest differs between tiers: an
//! in-process map knows its evictions, a remote one its errors. A series that
//! stands at zero says that nothing happened, so one is registered when it is
//! first recorded, or declared by an adapter that would see it. That first time
//! takes the registry's lock; after it, a record finds the handle in one load.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics_core::{CACHE_GETS, Counter, Desc, Gauge, HitRatio, Latency, RegisterError, Registry};

use crate::descs::{
    BYTES, CANCELLATIONS, COALESCED_LOADS, ENTRIES, ERRORS, EVICTED_BYTES, EVICTIONS, LOADS,
    MAX_BYTES, MAX_ENTRIES, OPERATION_DURATION, PROMOTIONS, RAW_BYTES, STALE_SERVED, STORED_BYTES,
    WRITES,
};
use crate::levels::Levels;
use crate::names::TierName;
use crate::thresholds::Thresholds;
use crate::watch::Watch;
use crate::words::{Events, EvictionCause, LoadOutcome, Operation, Size};

/// A counter that is registered when it is first needed.
type Late = OnceLock<Counter>;

/// Everything that is recorded of one tier.
#[derive(Debug)]
pub(crate) struct TierCells {
    pub(crate) name: TierName,
    pub(crate) thresholds: Thresholds,
    pub(crate) registry: Registry,
    pub(crate) watch: Arc<Watch>,
    gets: HitRatio,
    get_time: Latency,
    /// By [`Operation`], as are the next three; that of gets is always there and apart.
    times: [OnceLock<Latency>; 4],
    writes: [Late; 4],
    errors: [Late; 4],
    cancellations: [Late; 4],
    /// By [`EvictionCause`], as are the bytes.
    evictions: [Late; 4],
    evicted_bytes: [Late; 4],
    /// By [`LoadOutcome`].
    loads: [Late; 3],
    coalesced: Late,
    stale: Late,
    promotions: Late,
    raw: Late,
    stored: Late,
    levels: LevelGauges,
}

/// [`Levels`] as gauges, of which there are those that were once known.
#[derive(Debug, Default)]
struct LevelGauges {
    entries: OnceLock<Gauge>,
    max_entries: OnceLock<Gauge>,
    bytes: OnceLock<Gauge>,
    max_bytes: OnceLock<Gauge>,
}

impl TierCells {
    pub(crate) fn register(
        registry: &Registry,
        watch: &Arc<Watch>,
        name: TierName,
        thresholds: Thresholds,
    ) -> Result<Self, RegisterError> {
        let [cache, tier] = name.labels();
        let get = [cache, tier, Operation::Get.as_str()];
        Ok(Self {
            gets: registry.hit_ratio(&CACHE_GETS, &[cache, tier])?,
            get_time: registry.latency(&OPERATION_DURATION, &get)?,
            times: Default::default(),
            thresholds,
            registry: registry.clone(),
            watch: watch.clone(),
            writes: Default::default(),
            errors: Default::default(),
            cancellations: Default::default(),
            evictions: Default::default(),
            evicted_bytes: Default::default(),
            loads: Default::default(),
            coalesced: Late::new(),
            stale: Late::new(),
            promotions: Late::new(),
            raw: Late::new(),
            stored: Late::new(),
            levels: LevelGauges::default(),
            name,
        })
    }

    /// Counts a lookup; the time is unknown where nothing is timed.
    #[inline]
    pub(crate) fn hit(&self, took: Option<Duration>) {
        self.gets.hit();
        if let Some(took) = took {
            self.get_time.record(took);
        }
    }

    #[inline]
    pub(crate) fn miss(&self, took: Option<Duration>) {
        self.gets.miss();
        if let Some(took) = took {
            self.get_time.record(took);
        }
    }

    pub(crate) fn set(&self, took: Option<Duration>, size: Size) {
        self.write(Operation::Set).inc();
        self.took(Operation::Set, took);
        self.stored(size);
    }

    pub(crate) fn delete(&self, took: Option<Duration>) {
        self.write(Operation::Delete).inc();
        self.took(Operation::Delete, took);
    }

    /// Counts what came to be stored, by a caller or by a load.
    pub(crate) fn stored(&self, size: Size) {
        if let Some((raw, stored)) = size.raw_and_stored() {
            self.late(&self.raw, &RAW_BYTES).add(raw);
            self.late(&self.stored, &STORED_BYTES).add(stored);
        }
    }

    pub(crate) fn error(&self, operation: Operation, took: Option<Duration>) {
        if operation == Operation::Load {
            return self.load(LoadOutcome::Failure, took);
        }
        self.failed(operation).inc();
        self.took(operation, took);
    }

    pub(crate) fn cancelled(&self, operation: Operation, took: Option<Duration>) {
        if operation == Operation::Load {
            return self.load(LoadOutcome::Cancelled, took);
        }
        let late = &self.cancellations[operation as usize];
        self.by_word(late, &CANCELLATIONS, operation.as_str()).inc();
        self.took(operation, took);
    }

    pub(crate) fn load(&self, outcome: LoadOutcome, took: Option<Duration>) {
        self.loaded(outcome).inc();
        self.took(Operation::Load, took);
    }

    pub(crate) fn coalesced(&self) {
        self.late(&self.coalesced, &COALESCED_LOADS).inc();
    }

    pub(crate) fn stale_served(&self) {
        self.late(&self.stale, &STALE_SERVED).inc();
    }

    pub(crate) fn promotion(&self) {
        self.late(&self.promotions, &PROMOTIONS).inc();
    }

    pub(crate) fn eviction(&self, cause: EvictionCause) {
        self.evicted(cause).inc();
    }

    pub(crate) fn evicted_bytes(&self, cause: EvictionCause, bytes: u64) {
        let late = &self.evicted_bytes[cause as usize];
        self.by_word(late, &EVICTED_BYTES, cause.as_str()).add(bytes);
    }

    pub(crate) fn set_levels(&self, levels: Levels) {
        self.level(&self.levels.entries, &ENTRIES, levels.entries);
        self.level(&self.levels.max_entries, &MAX_ENTRIES, levels.max_entries);
        self.level(&self.levels.bytes, &BYTES, levels.bytes);
        self.level(&self.levels.max_bytes, &MAX_BYTES, levels.max_bytes);
    }

    /// Shows at zero what would be seen if it happened.
    pub(crate) fn declare(&self, events: Events) {
        match events {
            Events::Writes => [Operation::Set, Operation::Delete].into_iter().for_each(|write| {
                self.write(write);
                self.time(write);
            }),
            Events::Evictions => EvictionCause::ALL.into_iter().for_each(|cause| {
                self.evicted(cause);
            }),
            Events::Errors => {
                [Operation::Get, Operation::Set, Operation::Delete].into_iter().for_each(
                    |failed| {
                        self.failed(failed);
                    },
                );
            }
            Events::Loads => {
                LoadOutcome::ALL.into_iter().for_each(|outcome| {
                    self.loaded(outcome);
                });
                self.late(&self.coalesced, &COALESCED_LOADS);
                self.time(Operation::Load);
            }
        }
    }

    fn took(&self, operation: Operation, took: Option<Duration>) {
        if let Some(took) = took {
            self.time(operation).record(took);
        }
    }

    fn time(&self, operation: Operation) -> &Latency {
        if operation == Operation::Get {
            return &self.get_time;
        }
        self.times[operation as usize].get_or_init(|| {
            let [cache, tier] = self.name.labels();
            let values = [cache, tier, operation.as_str()];
            let found = self.registry.latency(&OPERATION_DURATION, &values);
            found.unwrap_or(Latency::disabled())
        })
    }

    fn write(&self, operation: Operation) -> &Counter {
        self.by_word(&self.writes[operation as usize], &WRITES, operation.as_str())
    }

    fn failed(&self, operation: Operation) -> &Counter {
        self.by_word(&self.errors[operation as usize], &ERRORS, operation.as_str())
    }

    fn evicted(&self, cause: EvictionCause) -> &Counter {
        self.by_word(&self.evictions[cause as usize], &EVICTIONS, cause.as_str())
    }

    fn loaded(&self, outcome: LoadOutcome) -> &Counter {
        self.by_word(&self.loads[outcome as usize], &LOADS, outcome.as_str())
    }

    fn late<'a>(&self, late: &'a Late, desc: &Desc) -> &'a Counter {
        late.get_or_init(|| self.counter(desc, &self.name.labels()))
    }

    fn by_word<'a>(&self, late: &'a Late, desc: &Desc, word: &str) -> &'a Counter {
        late.get_or_init(|| {
            let [cache, tier] = self.name.labels();
            self.counter(desc, &[cache, tier, word])
        })
    }

    /// Refused only where the registry ran out of names since the monitor checked them.
    fn counter(&self, desc: &Desc, values: &[&str]) -> Counter {
        self.registry.counter(desc, values).unwrap_or(Counter::disabled())
    }

    /// Sets what is known; what no longer is becomes NaN, and what never was stays absent.
    fn level(&self, gauge: &OnceLock<Gauge>, desc: &Desc, level: Option<u64>) {
        let Some(level) = level else {
            return gauge.get().into_iter().for_each(|gauge| gauge.set(f64::NAN));
        };
        let registered = gauge.get_or_init(|| {
            let found = self.registry.gauge(desc, &self.name.labels());
            found.unwrap_or(Gauge::disabled())
        });
        registered.set(level as f64);
    }
}
