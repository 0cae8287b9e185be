//! Recording: the handles, the cells beneath them, and the series that they belong to.
//!
//! [`reading`](crate::reading) makes samples of the cells; nothing here depends on judging.

pub(crate) mod cells;
pub(crate) mod context;
pub(crate) mod counter;
pub(crate) mod distribution;
pub(crate) mod exemplar;
pub(crate) mod families;
pub(crate) mod gauge;
pub(crate) mod hit_ratio;
pub(crate) mod kinds;
pub(crate) mod labelled;
pub(crate) mod lanes;
pub(crate) mod latency;
pub(crate) mod layout;
pub(crate) mod line;
pub(crate) mod memory;
pub(crate) mod peak;
pub(crate) mod register_error;
pub(crate) mod remembered;
pub(crate) mod spares;
pub(crate) mod static_ref;
pub(crate) mod store;
pub(crate) mod timer;
pub(crate) mod up_down;
