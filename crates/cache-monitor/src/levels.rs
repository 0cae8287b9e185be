//! The levels of a tier: its entries and bytes, as far as they are known.

use std::ops::Add;

use node0_metrics_core::levels;
use serde::Serialize;

use crate::descs::{BYTES, ENTRIES, MAX_BYTES, MAX_ENTRIES};

levels! {
    /// The entries and bytes of a tier, now and at most; `None` where they are not known.
    #[derive(Eq, Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Levels of u64, shown by pub(crate) LevelGauges {
        /// The number of entries.
        #[serde(skip_serializing_if = "Option::is_none")]
        entries = ENTRIES,
        /// The maximum number of entries.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_entries = MAX_ENTRIES,
        /// The bytes of all entries.
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes = BYTES,
        /// The maximum of bytes.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_bytes = MAX_BYTES,
    }
}

impl Levels {
    /// Adds up the known levels of several tiers.
    pub(crate) fn sum(tiers: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> Option<u64>| tiers.iter().filter_map(of).reduce(Add::add);
        Self {
            entries: sum(|levels| levels.entries),
            max_entries: sum(|levels| levels.max_entries),
            bytes: sum(|levels| levels.bytes),
            max_bytes: sum(|levels| levels.max_bytes),
        }
    }
}
