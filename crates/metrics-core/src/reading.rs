//! Reading: a pass over all cells, and the plain data that it leaves.

pub(crate) mod buckets;
pub(crate) mod exported;
pub(crate) mod pass;
pub(crate) mod rows;
pub(crate) mod sample;
pub(crate) mod snapshot;
pub(crate) mod summary;
mod totals;
pub(crate) mod window;
