//! What the metrics of one registry share: its clock, its switch, its budget.

use crate::clock::Clock;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64};

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) clock: Clock,
    /// Most bytes that lanes may hold in the process before this registry's records go to shared cells.
    pub(crate) lease_bytes: usize,
    /// Whether guards and layers measure; plain records always do.
    pub(crate) enabled: AtomicBool,
    /// The number of the current tick, by which an exemplar is taken once per tick.
    pub(crate) tick: AtomicU64,
    /// Durations clamped since the last pass, which moves them into a counter.
    pub(crate) clamped: AtomicU64,
    /// Values dropped since the last pass, likewise.
    pub(crate) dropped: AtomicU64,
    /// Held while gauges are set together, and while a pass reads gauges.
    pub(crate) together: Mutex<()>,
}
