//! Ids of series: one number in place of a metric's name and labels.

use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies one series for as long as the process runs.
///
/// An id is unique over all registries of a process and never reused. If a series ends and
/// is registered again with the same name and labels, it starts at zero with a new id, so a
/// reader that keeps data by id cannot confuse the two. The exception is a series that
/// [expired](crate::Labelled::expire_idle): it returns with its old id and its last totals.
/// Of other series, those that are registered later have greater ids.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
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
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u64);

impl SeriesId {
    /// Returns an id that no series had before.
    pub(crate) fn next() -> Self {
        // Relaxed, since it only matters that each number is used once. It is not part of the
        // loom models, in which no thread depends on another's id.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
