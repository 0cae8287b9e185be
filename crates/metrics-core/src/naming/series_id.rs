//! A short name for a series: one number instead of a metric's name and labels.

use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies one series for as long as the process runs.
///
/// An id is never reused, and no two registries of a process share one. A series that
/// ends and begins anew at zero under the same name and labels has another id, so a reader
/// that keeps something by id cannot mistake one for the other. Only a series that
/// [expired](crate::Labelled::expire_idle) has its old id when it goes on from its last totals.
/// Series that begin later have greater ids.
///
/// ```
/// use metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
/// let registry = Registry::new();
/// let jobs = registry.counter(&JOBS, &[])?;
/// jobs.add(3);
///
/// let id = jobs.series_id().expect("the handle is not disabled");
/// let sample = registry.read();
/// let value = sample.snapshot.by_id(id).expect("it is registered");
/// assert_eq!(value.as_f64(), 3.0);
/// # Ok::<(), metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u64);

impl SeriesId {
    /// Returns an id that no series had before.
    pub(crate) fn next() -> Self {
        // Relaxed: only that each number is given once matters. It is no part of the models,
        // in which no thread waits for another's id.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
