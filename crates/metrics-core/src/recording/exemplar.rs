//! Exemplars: one trace for each bucket, as an example of the requests in it.
//!
//! At most one is kept for each bucket and tick. A thread that finds the lock held drops its
//! trace, so that no request waits for another.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock::{Clock, Timestamp};
use crate::sync::{Mutex, OnceLock, lock, try_lock};

/// A W3C trace id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The trace with this id.
    pub const fn new(id: u128) -> Self {
        Self(id)
    }

    /// The id's bits.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value that was recorded, with its trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exemplar {
    /// The value in the metric's base unit.
    pub value: f64,
    /// The trace it belongs to.
    pub trace: TraceId,
    /// The wall time of the record.
    pub at: Timestamp,
}

/// A slot for each exported bucket, allocated with the first exemplar.
#[derive(Debug)]
pub(crate) struct ExemplarSlots {
    bounds: Box<[f64]>,
    slots: OnceLock<Box<[Slot]>>,
}

/// The number of the tick that it was taken in, and the exemplar.
type Slot = Mutex<Option<(u64, Exemplar)>>;

impl ExemplarSlots {
    pub(crate) fn new(bounds: &[f64]) -> Self {
        Self { bounds: bounds.into(), slots: OnceLock::new() }
    }

    /// The bounds of the exported buckets.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Keeps the trace if its bucket has none of this tick.
    pub(crate) fn offer(&self, value: f64, trace: TraceId, tick: u64, clock: &Clock) {
        let slots =
            self.slots.get_or_init(|| (0..=self.bounds.len()).map(|_| Slot::default()).collect());
        let at = self.bounds.partition_point(|bound| *bound < value);
        // Another thread holds the lock to store a trace of the same bucket, which is as good.
        let Some(mut slot) = try_lock(&slots[at]) else {
            return;
        };
        if slot.is_none_or(|(taken, _)| taken != tick) {
            *slot = Some((tick, Exemplar { value, trace, at: clock.wall() }));
        }
    }

    /// Returns the exemplars that are held now, by rising bucket.
    pub(crate) fn taken(&self) -> Vec<Exemplar> {
        let slots = self.slots.get().into_iter().flatten();
        slots.filter_map(|slot| lock(slot).map(|(_, exemplar)| exemplar)).collect()
    }
}
