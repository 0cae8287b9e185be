//! The clock, the switch and the budget that all metrics of one registry share.

use std::fmt;

use crate::clock::Clock;
use crate::recording::exemplar::TraceContext;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64};

/// Returns the trace that the calling thread works for, if its records may become exemplars.
#[derive(Clone)]
pub(crate) struct TraceSource(
    pub(crate) std::sync::Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>,
);

impl fmt::Debug for TraceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceSource").finish_non_exhaustive()
    }
}

/// The parts of a registry that its metrics need for recording.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) clock: Clock,
    /// The byte budget of all cells and windows of the process, see
    /// [`memory`](crate::recording::memory).
    pub(crate) recording_bytes: usize,
    /// `true` while guards and layers measure; plain records always count.
    pub(crate) enabled: AtomicBool,
    /// Asked by each timer that ends, if the host set it.
    pub(crate) traces: Option<TraceSource>,
    /// The number of the current tick, by which an exemplar is taken once per tick.
    pub(crate) tick: AtomicU64,
    /// Durations clamped since the last pass, which moves them into a counter.
    pub(crate) clamped: AtomicU64,
    /// Values dropped since the last pass, which moves them into another counter.
    pub(crate) dropped: AtomicU64,
    /// Held while several gauges are set at once, and while a pass reads gauges.
    pub(crate) set_all: Mutex<()>,
}
