//! An example of your own observer: it remembers the busiest second of each counter.
//!
//! It depends on `metrics-core` alone, and sees every counter that the service has, also those of
//! monitors that it does not know. The registry calls it once a tick on a thread of its own; if it
//! panics or hangs, it is counted and left out for a while, and nothing else is affected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use node0_metrics_core::{Event, Observer, Sample, Timestamp, Value, lock};

/// The busiest second of each counter, by its name and labels; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Busiest(Arc<Mutex<BTreeMap<String, Peak>>>);

/// The largest count of a tick, and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The count.
    pub count: u64,
    /// The end of the tick.
    pub at: Timestamp,
}

impl Busiest {
    /// Returns the peaks so far.
    pub fn peaks(&self) -> BTreeMap<String, Peak> {
        lock(&self.0).clone()
    }
}

impl Observer for Busiest {
    fn name(&self) -> &'static str {
        "busiest"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _missed: u64) -> Vec<Event> {
        let mut peaks = lock(&self.0);
        for series in sample.snapshot.series() {
            let Value::Counter(count) = series.value else { continue };
            let peak = Peak { count: count.delta, at: sample.at };
            let known = peaks.entry(format!("{}{:?}", series.desc.name, series.labels));
            let known = known.or_insert(peak);
            if peak.count > known.count {
                *known = peak;
            }
        }
        Vec::new()
    }
}
