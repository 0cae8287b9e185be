//! A value that is set.

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::context::Context;
use crate::recording::kinds::{Head, SeriesHandle};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A handle to a gauge; clones share the storage.
///
/// All threads share one cell, since the value that counts is the one that was set last. It
/// starts at zero; `set(f64::NAN)` says that the value is unknown, and is shown as `NaN` or
/// `null`.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
///
/// const QUEUE: Desc = Desc::gauge("queue_length", "Jobs that wait.");
/// let registry = Registry::new();
/// let queue = registry.gauge(&QUEUE, &[])?;
/// queue.set(7.0);
/// queue.add(-2.0);
/// assert_eq!(queue.value(), 5.0);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Gauge {
    core: Option<Arc<GaugeCore>>,
}

/// The cell of a gauge, on a cache line of its own so that a busy gauge slows no neighbour.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct GaugeCore {
    pub(crate) head: Head,
    bits: AtomicU64,
}

impl Gauge {
    /// A handle that holds no value.
    pub const fn disabled() -> Self {
        Self { core: None }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<GaugeCore>) -> Self {
        Self { core: Some(core) }
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.core.as_ref().map(|core| core.head.id)
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, value: f64) {
        if let Some(core) = &self.core {
            core.bits.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Adds to the value; retried while other threads change it too.
    #[inline]
    pub fn add(&self, by: f64) {
        let Some(core) = &self.core else { return };
        let sum = |bits| Some((f64::from_bits(bits) + by).to_bits());
        // The closure always returns `Some`, so the update always succeeds.
        let _ = core.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    /// The value last set; NaN for a disabled handle.
    pub fn value(&self) -> f64 {
        self.core.as_ref().map_or(f64::NAN, |core| core.value())
    }
}

impl SeriesHandle for Gauge {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    fn apply(&self, value: f64) {
        self.set(value);
    }
}

impl GaugeCore {
    pub(crate) fn new(head: Head, _desc: &OwnedDesc, _context: &Arc<Context>) -> Self {
        Self { head, bits: AtomicU64::new(0) }
    }

    pub(crate) fn value(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }
}
