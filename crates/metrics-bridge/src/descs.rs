//! The metrics of the bridge itself.

use metrics_core::Desc;

/// The metrics that the recorder refused.
pub const REFUSED: Desc = Desc::counter(
    "node0_bridge_refused_total",
    "Metrics of the facade that were refused, by name and reason: kind, labels, name, name_taken, registry_full; description for one that came too late.",
)
.labels(&["metric", "reason"]);

/// The families that could not be appended to pages.
pub const APPENDIX_FAMILIES_SKIPPED: Desc = Desc::counter(
    "node0_bridge_appendix_families_skipped_total",
    "Families of an appended exporter that were left out because the page has their names or they would have spoiled it, summed over the pages.",
);

/// Every description of this crate, for catalogues.
pub const DESCS: &[&Desc] = &[&REFUSED, &APPENDIX_FAMILIES_SKIPPED];
