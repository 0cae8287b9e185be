//! Names: descriptions of metrics, and the labels of their series.

pub(crate) mod desc;
pub(crate) mod labels;
pub(crate) mod series_id;
