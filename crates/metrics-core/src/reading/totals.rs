//! Converts the value of a series in a sample to the totals that are kept after it expires.

use crate::reading::snapshot::Value;
use crate::recording::remembered::{LatencyTotals, Totals};

impl Totals {
    /// Returns the totals of a value; gauges have none.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Counter(count) => Some(Self::Counter(count.total)),
            Value::Gauge(_) => None,
            Value::Histogram(histogram) => {
                let total = histogram.total();
                let counts = total.counts().collect();
                Some(Self::Latency(LatencyTotals { counts, sum: histogram.sum() }))
            }
        }
    }
}
