//! The floor of a record: adds to a bucket and a sum that belong to the thread.
//!
//! Only its own thread writes them, so plain loads and stores suffice. There is no metric and
//! no registry: the time is that of a thread-local lookup and two additions.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{BUCKETS, bucket};
use crate::rounds::Contender;
use crate::workload::{self, VALUES};

struct Cells {
    sum: AtomicU64,
    buckets: [AtomicU32; BUCKETS],
}

static ALL: Mutex<Vec<&'static Cells>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Cell<Option<&'static Cells>> = const { Cell::new(None) };
}

/// Adds to two words with plain loads and stores, without a metric or a registry.
pub fn latency() -> Contender {
    let values = workload::nanos();
    let record = move |i: usize| {
        let cells = OWN.get().unwrap_or_else(first_touch);
        let nanos = values[i % VALUES];
        if let Some(cell) = cells.buckets.get(bucket(nanos)) {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        cells.sum.store(cells.sum.load(Ordering::Relaxed) + nanos, Ordering::Release);
    };
    Contender::recording("floor, cells alone", record, recorded)
}

#[cold]
fn first_touch() -> &'static Cells {
    let buckets = [const { AtomicU32::new(0) }; BUCKETS];
    let cells: &'static Cells = Box::leak(Box::new(Cells { sum: AtomicU64::new(0), buckets }));
    ALL.lock().expect("nobody panics").push(cells);
    OWN.set(Some(cells));
    cells
}

fn recorded() -> u64 {
    let all = ALL.lock().expect("nobody panics");
    let counts = all.iter().flat_map(|cells| &cells.buckets);
    counts.map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
}
