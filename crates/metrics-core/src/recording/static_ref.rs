//! An atomic slot for a reference that lives as long as the process.
//!
//! The hot path of a latency record finds the thread's block through such a slot. A lock there
//! would cost as much as the record itself, and a `OnceLock` could not be filled anew when the
//! slot goes to another metric. Beside the loads of [`line`](crate::recording::line) this is
//! the only unsafe code of the crate. Under `cfg(loom)` a safe twin takes its place, with the
//! same orderings.

#[cfg(not(loom))]
mod slot;
#[cfg(loom)]
mod twin;

#[cfg(not(loom))]
pub(crate) use slot::StaticRef;
#[cfg(loom)]
pub(crate) use twin::StaticRef;

#[cfg(test)]
mod tests;
