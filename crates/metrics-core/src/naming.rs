//! Names: descriptions of metrics, labels of series, and names of instances.

pub(crate) mod by_label;
pub(crate) mod cache_gets;
pub(crate) mod desc;
mod descs;
pub(crate) mod instance_name;
pub(crate) mod label_set;
pub(crate) mod labels;
pub(crate) mod sample_names;
pub(crate) mod series_id;
