//! Names of caches and tiers, and what a tier is found by.

use metrics_core::broken_name_rule;

/// What stands beside the tiers in a report.
pub(crate) const RESERVED: [&str; 3] = ["timestamp", "health", "caches"];

/// A tier by its cache's name and its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TierName {
    pub(crate) cache: Box<str>,
    pub(crate) tier: Box<str>,
}

impl TierName {
    pub(crate) fn new(cache: &str, tier: &str) -> Self {
        Self { cache: cache.into(), tier: tier.into() }
    }

    /// The values of the labels `cache` and `tier`.
    pub(crate) fn labels(&self) -> [&str; 2] {
        [&self.cache, &self.tier]
    }
}

/// The rule that a cache's name breaks, if it does.
pub(crate) fn broken_rule(name: &str) -> Option<&'static str> {
    match name.contains('/') {
        true => Some("`/` is between a cache's name and its tier's"),
        false => broken_name_rule(name),
    }
}

/// The rule that a tier's name breaks, if it does.
pub(crate) fn broken_tier_rule(name: &str) -> Option<&'static str> {
    if RESERVED.contains(&name) {
        return Some("a report has that field already");
    }
    broken_rule(name)
}
