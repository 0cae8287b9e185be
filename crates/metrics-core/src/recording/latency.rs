//! Durations, with exact windows and percentiles.
//!
//! A record increments a bucket and then adds to a sum, both in cells of the calling thread.
//! The order matters: a pass reads the sum first, so the buckets that it reads next include
//! every record that is in the sum.
//!
//! A lane's buckets have 16 bits, because a pass reads the buckets of all lanes, and narrow
//! ones take fewer cache lines. A bucket that has counted 2¹⁵ values is reset, and a second
//! block of the series counts one unit, which stands for 2¹⁵ values. Example: after 100 000
//! records in one bucket, the lane's count is 1696 and the count in that block is 3.
//!
//! A thread that gets no block, because the budget is used up, adds to one that all threads of the
//! series share: of thin buckets, if there is no other yet.

mod block_sums;

use std::time::Duration;

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::cells::{LatencyCell, OwnBlock, SharedBlock, ThinBlock};
use crate::recording::context::{Context, TraceSource};
use crate::recording::exemplar::{ExemplarSlots, TraceContext};
use crate::recording::kinds::{Head, SeriesHandle};
use crate::recording::lanes::{self, Reader, Slot};
use crate::recording::layout::{MAX_NANOS, latency_index};
use crate::recording::memory::Counted;
use crate::recording::remembered::{LatencyTotals, Totals};
use crate::recording::timer::Timer;
use crate::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, OnceLock, lock};

pub(crate) use block_sums::{BlockSums, LineCounts};

/// The count at which a bucket of 16 bits is full; small in loom models, so that they reach it.
const SPILL: u16 = if cfg!(loom) { 3 } else { 1 << 15 };

/// A handle to a latency; clones share the storage.
///
/// A record adds to two cells of the calling thread: a bucket and a sum. Durations are accurate
/// to 8 ns below 1 µs, and to [`Layout::RELATIVE_ERROR`](crate::Layout::RELATIVE_ERROR) above.
/// Those beyond [`Layout::LONGEST_LATENCY`](crate::Layout::LONGEST_LATENCY), about 73 minutes,
/// count as that, and in [`VALUES_CLAMPED`](crate::VALUES_CLAMPED).
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
/// use std::time::Duration;
///
/// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
/// let registry = Registry::new();
/// let wait = registry.latency(&WAIT, &[])?;
/// for ms in 1..=100 {
///     wait.record(Duration::from_millis(ms));
/// }
/// let sample = registry.read();
/// let window = sample.view().latency(&wait).expect("it is registered").window().clone();
/// let p95 = window.buckets().quantile(0.95).expect("there are samples");
/// assert!((p95 - 0.095).abs() <= window.buckets().layout().error_at(0.095));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Latency {
    slot: u32,
    core: Option<Arc<LatencyCore>>,
}

#[derive(Debug)]
pub(crate) struct LatencyCore {
    pub(crate) head: Head,
    slot: Slot<LatencyCell>,
    /// The number of times that each bucket of a lane was full, made with the first lane's buckets.
    ///
    /// The lock is held while a count moves here, and while a pass reads: it finds each count once.
    full: Mutex<Option<&'static OwnBlock>>,
    /// The counts of threads without cells of their own, and those that filled up in `full`.
    shared: OnceLock<Box<SharedBlock>>,
    /// The counts of threads without cells of their own beyond the budget.
    thin: OnceLock<Box<Counted<ThinBlock>>>,
    /// The sum of threads without cells of their own.
    shared_sum: AtomicU64,
    pub(crate) exemplars: ExemplarSlots,
    context: Arc<Context>,
}

impl Latency {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self { slot: u32::MAX, core: None }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<LatencyCore>) -> Self {
        Self { slot: core.slot.index, core: Some(core) }
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.core.as_ref().map(|core| core.head.id)
    }

    #[cfg(all(test, loom))]
    pub(crate) fn core(&self) -> Option<&Arc<LatencyCore>> {
        self.core.as_ref()
    }

    /// Records one duration.
    #[inline]
    pub fn record(&self, duration: Duration) {
        let seconds = duration.as_secs();
        // Longer durations are beyond the last bucket, and the product could overflow.
        if seconds < 1 << 30 {
            self.record_nanos(seconds * 1_000_000_000 + u64::from(duration.subsec_nanos()));
        } else {
            self.record_rare(u64::MAX);
        }
    }

    /// Records one duration and offers the trace it belongs to as an exemplar of its bucket.
    ///
    /// The first trace of each exported bucket and tick is kept, and that of the slowest value in
    /// the window ([`Window::slowest`](crate::Window::slowest)); call it for sampled traces only.
    /// A [`Timer`] does so by itself if the registry knows the current trace:
    /// [`RegistryBuilder::traces`](crate::RegistryBuilder::traces).
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry, TraceId};
    /// use std::time::Duration;
    ///
    /// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
    /// let registry = Registry::new();
    /// let wait = registry.latency(&WAIT, &[])?;
    /// wait.record_traced(Duration::from_millis(3), TraceId::new(7));
    ///
    /// let sample = registry.read();
    /// let waits = sample.view().latency(&wait).expect("it is registered");
    /// assert_eq!(waits.exemplars()[0].trace, TraceId::new(7));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn record_traced(&self, duration: Duration, trace: impl Into<TraceContext>) {
        self.offer(duration, trace.into());
        self.record(duration);
    }

    /// Offers a trace as an exemplar, before its duration is recorded.
    ///
    /// A pass reads exemplars only if there are new records. If the record came first, a pass in
    /// between would see it without its trace, and the next one would not look.
    fn offer(&self, duration: Duration, trace: TraceContext) {
        if let Some(core) = &self.core {
            let tick = core.context.tick.load(Ordering::Relaxed);
            core.exemplars.offer(duration.as_secs_f64(), trace, tick, &core.context.clock);
        }
    }

    /// Offers the current trace, if there is one, for a duration that is recorded next.
    #[cold]
    pub(crate) fn offer_current(&self, nanos: u64, current: &TraceSource) {
        if let Some(trace) = (current.0)() {
            self.offer(Duration::from_nanos(nanos), trace);
        }
    }

    /// Starts timing; the returned guard records when it is stopped or dropped.
    #[inline]
    pub fn start(&self) -> Timer {
        Timer::start(self.clone())
    }

    /// Times a future from its first poll to its end, also when it is dropped before.
    pub fn time<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let latency = self.clone();
        async move {
            let _timer = latency.start();
            future.await
        }
    }

    pub(crate) fn context(&self) -> Option<&Context> {
        self.core.as_ref().map(|core| &*core.context)
    }

    /// Records one duration in nanoseconds, as [`record`](Self::record) does without a [`Duration`].
    ///
    /// It takes two loads and two stores if the bucket is in use.
    #[inline]
    pub fn record_nanos(&self, nanos: u64) {
        let (index, added) = latency_index(nanos);
        // Three rare cases fall through: the thread has no cell, the value is beyond the last
        // bucket, or the bucket needs more than an addition. A cell without buckets is the
        // third: its block is one that is always empty.
        if let Some(cell) = lanes::cell::<LatencyCell>(self.slot)
            && let Some(bucket) = cell.block.load().buckets.get(index)
        {
            let count = bucket.load(Ordering::Relaxed).wrapping_add(1);
            // One signed comparison finds the bucket's first value (count 1, whose line must be
            // marked) and its 2¹⁵th (count −2¹⁵ as a signed number, which must spill).
            if count.cast_signed() > 1 && count < SPILL {
                bucket.store(count, Ordering::Relaxed);
                return cell.add(added);
            }
        }
        self.record_rare(nanos);
    }

    /// Records a value in the cases that the hot path leaves out: the first value of its bucket, a
    /// bucket that is full, a duration that is too long, and a thread without cells of its own.
    #[cold]
    fn record_rare(&self, nanos: u64) {
        let Some(core) = &self.core else { return };
        let nanos = if nanos > MAX_NANOS { core.clamp() } else { nanos };
        let budget = core.context.recording_bytes;
        let own = lanes::touch::<LatencyCell>(self.slot, budget);
        match own.and_then(|cell| Some((cell, core.own_block(cell, budget)?))) {
            Some((cell, block)) => core.record_alone(cell, block, nanos),
            None => core.record_shared(nanos, budget),
        }
    }
}

impl SeriesHandle for Latency {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    /// Records a duration in seconds; NaN is dropped.
    fn apply(&self, value: f64) {
        // Durations beyond 73 minutes are all the same; the limit avoids overflow below.
        let bounded = value.clamp(0.0, f64::from(u32::MAX));
        if let Ok(duration) = Duration::try_from_secs_f64(bounded) {
            self.record(duration);
        } else if let Some(core) = &self.core {
            core.context.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The sum: it changes with every record.
    fn mark(&self, reader: &Reader) -> Option<u64> {
        self.core.as_ref().map(|core| core.raw_sum(reader))
    }
}

impl LatencyCore {
    pub(crate) fn new(head: Head, desc: &OwnedDesc, context: &Arc<Context>) -> Self {
        lanes::add_latency();
        Self {
            head,
            slot: Slot::take(),
            shared: OnceLock::new(),
            thin: OnceLock::new(),
            shared_sum: AtomicU64::new(0),
            full: Mutex::new(None),
            exemplars: ExemplarSlots::new(&desc.bounds),
            context: context.clone(),
        }
    }

    /// Returns the buckets of the calling thread's cell, made if need be; `None` beyond `budget` bytes.
    fn own_block(&self, cell: &LatencyCell, budget: usize) -> Option<&'static OwnBlock> {
        if let Some(block) = cell.touched() {
            return Some(block);
        }
        if !lanes::may_take_block(budget) {
            return None;
        }
        let mut full = lock(&self.full);
        if full.is_none() {
            // Not when a bucket is first full: only a thread's first record of a series may allocate.
            *full = Some(lanes::take_block(budget)?);
        }
        drop(full);
        let block = lanes::take_block(budget)?;
        cell.block.store(block);
        Some(block)
    }

    /// Adds to cells that only the calling thread writes.
    fn record_alone(&self, cell: &LatencyCell, block: &OwnBlock, nanos: u64) {
        let (index, added) = latency_index(nanos);
        let bucket = &block.buckets[index];
        let count = bucket.load(Ordering::Relaxed) + 1;
        if count == 1 {
            // Before the count, so that a pass that sees the sum sees the mark of the line too.
            block.touch(index);
        }
        if count < SPILL {
            bucket.store(count, Ordering::Relaxed);
        } else {
            self.spill(bucket, index);
        }
        cell.add(added);
    }

    /// Resets a full bucket, and adds its count to the blocks of the series.
    #[cold]
    fn spill(&self, bucket: &AtomicU16, index: usize) {
        // Held until the bucket is reset, so that a pass counts its 2¹⁵ values exactly once.
        let full = lock(&self.full);
        match *full {
            Some(block) if block.buckets[index].load(Ordering::Relaxed) + 1 < SPILL => {
                block.buckets[index].fetch_add(1, Ordering::Relaxed);
                block.touch(index);
            }
            // The 16 bits there are full too, after a billion values of this bucket.
            _ => self.shared().add(index, u64::from(SPILL)),
        }
        bucket.store(0, Ordering::Relaxed);
    }

    /// Adds to cells that any thread may write.
    fn record_shared(&self, nanos: u64, budget: usize) {
        lanes::note_shared();
        let (index, added) = latency_index(nanos);
        if self.is_thin(budget) {
            let thin = || Box::new(Counted::new(ThinBlock::default(), size_of::<ThinBlock>()));
            self.thin.get_or_init(thin).add(index);
        } else {
            self.shared().add(index, 1);
        }
        // Release pairs with the acquire in `shared_sum()`, as in `LatencyCell::add`.
        self.shared_sum.fetch_add(added, Ordering::Release);
    }

    fn shared(&self) -> &SharedBlock {
        self.shared.get_or_init(|| {
            lanes::add_bytes(size_of::<SharedBlock>());
            Box::default()
        })
    }

    /// Returns `true` if there is no shared block, and no room for one.
    fn is_thin(&self, budget: usize) -> bool {
        let has_room = || lanes::has_room(size_of::<SharedBlock>(), budget);
        self.shared.get().is_none() && (self.thin.get().is_some() || !has_room())
    }

    /// Returns the thin buckets, if some thread used them.
    pub(crate) fn thin(&self) -> Option<&ThinBlock> {
        self.thin.get().map(|thin| &***thin)
    }

    /// Counts a duration that is too long, and returns the longest allowed.
    #[cold]
    fn clamp(&self) -> u64 {
        self.context.clamped.fetch_add(1, Ordering::Relaxed);
        MAX_NANOS
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot.index
    }

    /// Returns the wrapping sum over all threads of what the records added, see [`latency_index`].
    pub(crate) fn raw_sum(&self, reader: &Reader) -> u64 {
        reader.sum(self.slot.index).wrapping_add(reader.shared(|| self.shared_sum()))
    }

    /// Returns the sum of threads without cells of their own.
    pub(crate) fn shared_sum(&self) -> u64 {
        // Pairs with the release in `record_shared`.
        self.shared_sum.load(Ordering::Acquire)
    }

    /// Returns the totals of the expired series that this one continues.
    pub(crate) fn resumed(&self) -> Option<&LatencyTotals> {
        match self.head.resumed.as_deref() {
            Some(Totals::Latency(totals)) => Some(totals),
            _ => None,
        }
    }

    /// Visits the total counts of every line that a thread recorded into, by rising value.
    ///
    /// Call it after [`Self::raw_sum`], so that what is in the sum is in the buckets.
    pub(crate) fn visit(
        &self,
        reader: &Reader,
        sums: &mut BlockSums,
        line: impl FnMut(usize, LineCounts<'_>),
    ) {
        let full = lock(&self.full);
        reader.blocks(self.slot.index).for_each(|block| sums.add(block));
        sums.drain(*full, self.shared.get().map(Box::as_ref), line);
    }
}

impl Drop for LatencyCore {
    fn drop(&mut self) {
        lanes::remove_latency();
        if self.shared.get().is_some() {
            lanes::remove_bytes(size_of::<SharedBlock>());
        }
        if let Some(block) = lock(&self.full).take() {
            lanes::give_block(block);
        }
    }
}

#[cfg(test)]
mod tests;
