//! The metrics of the bridge itself.

use node0_metrics_core::Desc;

/// The metrics that the recorder refused.
pub const REFUSED: Desc = Desc::counter(
    "node0_bridge_refused_total",
    "Metrics and descriptions of the facade that were refused, by name and reason: kind, labels, name, name_taken, registry_full, description (a second one, or a unit that came too late).",
)
.labels(&["metric", "reason"]);

/// The families that could not be appended to pages.
pub const APPENDIX_FAMILIES_SKIPPED: Desc = Desc::counter(
    "node0_bridge_appendix_families_skipped_total",
    "Families of an appended page that were left out because their name is taken or a line of theirs is malformed, summed over all pages.",
);

/// Every description of this crate, for catalogues.
pub const DESCS: &[&Desc] = &[&REFUSED, &APPENDIX_FAMILIES_SKIPPED];
