//! The value of a latency or a distribution: totals, window, and the delta of the last tick.

mod published;

use std::sync::Arc;
use std::time::Duration;

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::recording::exemplar::Exemplar;

pub(crate) use published::{Base, Published};

/// A histogram's totals, its window and the delta of its last tick; cloning shares them.
#[derive(Clone, Debug)]
pub struct Histogram {
    published: Arc<Published>,
    /// The number of the last closed tick, whether the series recorded in it or not.
    tick: u64,
    window_span: Duration,
}

impl Histogram {
    pub(crate) fn new(published: Arc<Published>, tick: u64, window_span: Duration) -> Self {
        Self { published, tick, window_span }
    }

    /// Moves the value of an unchanged series to a later pass.
    pub(crate) fn move_to(&mut self, tick: u64, window_span: Duration) {
        (self.tick, self.window_span) = (tick, window_span);
    }

    /// Returns `true` if this shows what `published` holds.
    pub(crate) fn shows(&self, published: &Arc<Published>) -> bool {
        Arc::ptr_eq(&self.published, published)
    }

    /// The number of values since the series began; it never falls.
    pub fn count(&self) -> u64 {
        self.published.count
    }

    /// The exact sum of all values since the series began; it never falls.
    pub fn sum(&self) -> f64 {
        self.published.sum
    }

    /// The number of values up to each bound of the description, in ascending order.
    ///
    /// Equal to [`Buckets::cumulative`] of [`Self::total`], but precomputed.
    pub fn cumulative(&self) -> &[u64] {
        &self.published.cumulative
    }

    /// All values since the series began; it never falls.
    ///
    /// The first call on a sample adds up the deltas; later calls share the result.
    pub fn total(&self) -> &Buckets {
        self.published.total()
    }

    /// The values of [`Self::total`] in parts: the counts of neighbouring buckets, each run with the
    /// number of its first bucket, and deltas that are still to be added.
    ///
    /// It adds up and keeps nothing, for readers that convert all counts anyway.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry};
    /// use std::time::Duration;
    ///
    /// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
    /// let registry = Registry::new();
    /// let wait = registry.latency(&WAIT, &[])?;
    /// wait.record(Duration::from_millis(3));
    ///
    /// let sample = registry.read();
    /// let waits = sample.view().latency(&wait).expect("it is registered");
    /// let (runs, deltas) = waits.total_parts();
    /// let count: u64 = runs.map(|(_, counts)| counts.as_ref().iter().sum::<u64>()).sum();
    /// assert_eq!(count + deltas.map(|delta| delta.count()).sum::<u64>(), waits.count());
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn total_parts(
        &self,
    ) -> (impl Iterator<Item = (u16, impl AsRef<[u64]>)>, impl Iterator<Item = &Delta>) {
        self.published.total_parts()
    }

    /// The values that the last whole tick recorded, empty if it recorded none.
    ///
    /// That tick is [`Sample::tick`](crate::Sample::tick), also in a fresh read between ticks.
    /// Values of the running tick are in the totals and in the window, but in no delta until the
    /// tick ends. So a reader that adds the delta of each tick number once has counted every
    /// value once, however many samples it read.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry};
    /// use std::time::Duration;
    ///
    /// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
    /// let registry = Registry::new();
    /// let wait = registry.latency(&WAIT, &[])?;
    /// let mut ticker = registry.ticker().expect("nobody else ticks");
    ///
    /// wait.record(Duration::from_millis(3));
    /// let first = ticker.tick().sample;
    /// assert_eq!((first.tick, first.view().latency(&wait).unwrap().delta().count()), (1, 1));
    ///
    /// wait.record(Duration::from_millis(4));
    /// let fresh = registry.read();
    /// let waits = fresh.view().latency(&wait).unwrap();
    /// assert_eq!((fresh.tick, waits.delta().count(), waits.count()), (1, 1, 2));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn delta(&self) -> &Delta {
        self.published.delta(self.tick)
    }

    /// The most recent values, from which all statistics are computed.
    pub fn window(&self) -> Window<'_> {
        Window { published: &self.published, span: self.window_span }
    }

    /// The exemplars by ascending value, at most one for each exported bucket.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.published.exemplars
    }
}

/// Compares totals, windows and exemplars. Deltas are not compared: they differ right before
/// and right after the end of a tick, although nothing was recorded.
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.total() == other.total()
            && self.window() == other.window()
            && self.exemplars() == other.exemplars()
    }
}

/// The samples of the window, with the time that they cover.
///
/// Every statistic of a series is over the same window.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Window<'a> {
    published: &'a Published,
    /// The time from the start of the oldest tick in the window to the reading.
    pub span: Duration,
}

impl<'a> Window<'a> {
    /// The number of samples in the window.
    pub fn samples(&self) -> u64 {
        self.published.window_count
    }

    /// The samples by bucket; empty for a series that was idle for the longest age.
    ///
    /// The first call on a sample adds up the deltas; later calls share the result.
    pub fn buckets(&self) -> &'a Buckets {
        self.published.window()
    }

    /// Returns `true` if the window takes less memory and is less exact, because the registry's
    /// [budget](crate::RegistryBuilder::recording_bytes) is used up.
    ///
    /// Its count and its sum are exact. Its percentiles are off by up to
    /// [`Layout::THINNED_ERROR`](crate::Layout::THINNED_ERROR), and it loses several ticks at once.
    pub fn is_thinned(&self) -> bool {
        self.published.is_thinned
    }

    /// The largest value that was recorded with a trace; `None` if none was.
    ///
    /// It is the slowest of all if it is in the bucket of [`Buckets::max`]. A larger value may be
    /// there whose trace is not sampled.
    pub fn slowest(&self) -> Option<&'a Exemplar> {
        self.published.slowest.as_deref()
    }
}

impl PartialEq for Window<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.buckets() == other.buckets()
    }
}
