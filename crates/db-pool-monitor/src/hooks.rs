//! The cells of what a pool reports through hooks: the connections that it opens, reuses and
//! loses, and the parts of a wait.
//!
//! An adapter registers them when it puts hooks into its pool. A pool without
//! hooks has none of these numbers.

use metrics_core::{Counter, Latency};

/// What a pool with hooks records beside whole waits and holds.
#[derive(Debug)]
pub(crate) struct HookCells {
    pub(crate) permit: Latency,
    pub(crate) recycle: Latency,
    pub(crate) connect: Latency,
    pub(crate) opened: Counter,
    pub(crate) recycled: Counter,
    pub(crate) discarded: Discarded,
}

/// Lost connections by reason.
#[derive(Debug)]
pub(crate) struct Discarded {
    pub(crate) recycle_failed: Counter,
    pub(crate) cancelled: Counter,
    pub(crate) taken: Counter,
}
