//! Exemplars: one trace for each bucket, as an example of the requests in it.
//!
//! At most one is kept for each bucket and tick, and beside them the slowest since the last pass.
//! A thread that finds a lock held drops its trace, so that no request waits for another.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock::{Clock, Timestamp};
use crate::sync::{Mutex, OnceLock, lock, try_lock};

/// A W3C trace id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// The id of a span within a trace, as W3C has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// Implements what both kinds of ids have in common, with their number of hexadecimal digits.
macro_rules! id {
    ($id:ident, $bits:ty, $thing:literal, $digits:literal) => {
        impl $id {
            #[doc = concat!("The ", $thing, " with this id.")]
            pub const fn new(id: $bits) -> Self {
                Self(id)
            }

            /// The id's bits.
            pub const fn get(self) -> $bits {
                self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(TraceId, u128, "trace", "32");
id!(SpanId, u64, "span", "16");

/// A trace, and the span in it that a value belongs to, if it is known.
///
/// ```
/// use node0_metrics_core::{SpanId, TraceContext, TraceId};
///
/// let trace = TraceId::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
/// let context = TraceContext { trace, span: Some(SpanId::new(0x00f0_67aa_0ba9_02b7)) };
/// assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(context.span.unwrap().to_string(), "00f067aa0ba902b7");
/// assert_eq!(TraceContext::from(trace).span, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span; `None` if only the trace is known.
    pub span: Option<SpanId>,
}

impl From<TraceId> for TraceContext {
    fn from(trace: TraceId) -> Self {
        Self { trace, span: None }
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
    /// The span in the trace; `None` if it was not recorded with one.
    pub span: Option<SpanId>,
    /// The wall time of the record.
    pub at: Timestamp,
}

/// The exemplars of one series; their slots are allocated with the first one.
#[derive(Debug)]
pub(crate) struct ExemplarSlots {
    bounds: Box<[f64]>,
    slots: OnceLock<Slots>,
}

/// The number of a tick, and an exemplar of it.
type OfTick = (u64, Exemplar);

#[derive(Debug)]
struct Slots {
    /// One for each exported bucket.
    of_buckets: Box<[Mutex<Option<OfTick>>]>,
    /// The one with the largest value since a pass took it.
    slowest: Mutex<Option<Exemplar>>,
}

impl ExemplarSlots {
    pub(crate) fn new(bounds: &[f64]) -> Self {
        Self { bounds: bounds.into(), slots: OnceLock::new() }
    }

    /// The bounds of the exported buckets.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Keeps the trace if its bucket has none of this tick, or if its value is the largest.
    pub(crate) fn offer(&self, value: f64, context: TraceContext, tick: u64, clock: &Clock) {
        let slots = self.slots.get_or_init(|| Slots::new(self.bounds.len() + 1));
        let at = self.bounds.partition_point(|bound| *bound < value);
        let TraceContext { trace, span } = context;
        let exemplar = || Exemplar { value, trace, span, at: clock.wall() };
        // Another thread holds the lock to store a trace of the same bucket, which is as good.
        if let Some(mut slot) = try_lock(&slots.of_buckets[at])
            && slot.is_none_or(|(taken, _)| taken != tick)
        {
            *slot = Some((tick, exemplar()));
        }
        if let Some(mut slowest) = try_lock(&slots.slowest)
            && slowest.is_none_or(|held| held.value < value)
        {
            *slowest = Some(exemplar());
        }
    }

    /// Returns the exemplars that are held now, by rising bucket.
    pub(crate) fn taken(&self) -> Vec<Exemplar> {
        let slots = self.slots.get().into_iter().flat_map(|slots| &slots.of_buckets);
        slots.filter_map(|slot| lock(slot).map(|(_, exemplar)| exemplar)).collect()
    }

    /// Takes the one with the largest value since the last call.
    pub(crate) fn take_slowest(&self) -> Option<Exemplar> {
        lock(&self.slots.get()?.slowest).take()
    }
}

impl Slots {
    fn new(buckets: usize) -> Self {
        let of_buckets = (0..buckets).map(|_| Mutex::default()).collect();
        Self { of_buckets, slowest: Mutex::default() }
    }
}
