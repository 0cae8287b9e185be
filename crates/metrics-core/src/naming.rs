//! Names: descriptions of metrics, and the labels of their series.

pub(crate) mod cache_gets;
pub(crate) mod desc;
pub(crate) mod labels;
