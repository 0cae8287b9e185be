//! An atomic slot for a reference that lives as long as the process.
//!
//! The hot path of a latency record finds the thread's block through such a slot. A lock would
//! cost as much as the record itself, and a `OnceLock` could not be set again when another
//! metric gets the cell. This and [`line`](crate::recording::line) are the only unsafe code of
//! the crate. Under `cfg(loom)` a safe version with the same orderings replaces it.

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
