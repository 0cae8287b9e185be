//! Reading: passes over all cells, and the plain data that they produce.

pub(crate) mod buckets;
pub(crate) mod delta;
pub(crate) mod exported_counts;
#[cfg(feature = "hdrhistogram")]
pub(crate) mod hdr;
pub(crate) mod histogram;
pub(crate) mod known_counts;
pub(crate) mod packed;
pub(crate) mod pass;
pub(crate) mod rows;
pub(crate) mod sample;
pub(crate) mod snapshot;
pub(crate) mod summary;
pub(crate) mod timeline;
mod totals;
pub(crate) mod window;
