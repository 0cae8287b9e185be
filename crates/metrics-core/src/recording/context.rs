//! The clock, the switch and the budget that all metrics of one registry share.

use crate::clock::Clock;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64};

/// The parts of a registry that its metrics need for recording.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) clock: Clock,
    /// The byte budget of all lanes of the process; beyond it this registry records into shared cells.
    pub(crate) lease_bytes: usize,
    /// `true` while guards and layers measure; plain records always count.
    pub(crate) enabled: AtomicBool,
    /// The number of the current tick, by which an exemplar is taken once per tick.
    pub(crate) tick: AtomicU64,
    /// Durations clamped since the last pass, which moves them into a counter.
    pub(crate) clamped: AtomicU64,
    /// Values dropped since the last pass, which moves them into another counter.
    pub(crate) dropped: AtomicU64,
    /// Held while several gauges are set at once, and while a pass reads gauges.
    pub(crate) set_all: Mutex<()>,
}
