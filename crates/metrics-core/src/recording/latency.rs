//! Durations, with exact windows and percentiles.

use std::mem;
use std::time::Duration;

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::cells::{Block, LINE_WORDS, LINES, LatencyCell, OwnBlock, SharedBlock, ones};
use crate::recording::context::Context;
use crate::recording::exemplar::{ExemplarSlots, TraceId};
use crate::recording::kinds::{Head, SeriesHandle};
use crate::recording::lanes::{self, Reader, Slot};
use crate::recording::layout::{MAX_NANOS, PER_LINE, latency_index};
use crate::recording::line::LineSums;
use crate::recording::remembered::{LatencyTotals, Totals};
use crate::recording::timer::Timer;
use crate::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, OnceLock, lock};

/// The count at which a bucket of 16 bits is full; a model gets there.
const SPILL: u16 = if cfg!(loom) { 3 } else { 1 << 15 };

/// A handle to a latency; clones share the storage.
///
/// A record adds to two cells of the calling thread: a bucket and a sum. Values
/// are kept to 1/128 (8 ns below 1 µs); beyond 73 minutes they are taken as 73
/// minutes and counted in [`VALUES_CLAMPED`](crate::VALUES_CLAMPED).
///
/// ```
/// use metrics_core::{Desc, Registry};
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
/// assert!((p95 - 0.095).abs() < 0.095 / 100.0);
/// # Ok::<(), metrics_core::RegisterError>(())
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
    /// How often each bucket of a lane was full, made with the first lane's buckets.
    ///
    /// The lock is held while a count moves, so that a pass finds it in one place.
    full: Mutex<Option<&'static OwnBlock>>,
    /// For threads without cells of their own, and for what fills up in `full`.
    shared: OnceLock<Box<SharedBlock>>,
    /// What the records of threads without cells of their own added.
    shared_sum: AtomicU64,
    pub(crate) exemplars: ExemplarSlots,
    context: Arc<Context>,
}

impl Latency {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self { slot: u32::MAX, core: None }
    }

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
        // Beyond it the product could overflow, and the buckets end long before.
        if seconds < 1 << 30 {
            self.record_nanos(seconds * 1_000_000_000 + u64::from(duration.subsec_nanos()));
        } else {
            self.record_rare(u64::MAX);
        }
    }

    /// Records one duration and offers the trace it belongs to as an exemplar of its bucket.
    ///
    /// The first trace of each exported bucket and tick is kept; call it for
    /// sampled spans only.
    pub fn record_traced(&self, duration: Duration, trace: TraceId) {
        self.record(duration);
        if let Some(core) = &self.core {
            let tick = core.context.tick.load(Ordering::Relaxed);
            core.exemplars.offer(duration.as_secs_f64(), trace, tick, &core.context.clock);
        }
    }

    /// Starts timing; the guard records when it is stopped or dropped.
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

    #[inline]
    pub(crate) fn record_nanos(&self, nanos: u64) {
        let (index, added) = latency_index(nanos);
        if let Some(cell) = lanes::cell::<LatencyCell>(self.slot)
            && let Some(bucket) = cell.block.load().buckets.get(index)
        {
            let count = bucket.load(Ordering::Relaxed).wrapping_add(1);
            // One signed comparison finds both rare cases: the bucket's first value and its 2¹⁵th.
            if count.cast_signed() > 1 && count < SPILL {
                bucket.store(count, Ordering::Relaxed);
                return cell.add(added);
            }
        }
        self.record_rare(nanos);
    }

    /// Records what the hot path cannot: a first value, one too long, one that
    /// fills its bucket, one of a thread without cells of its own.
    #[cold]
    fn record_rare(&self, nanos: u64) {
        let Some(core) = &self.core else { return };
        let nanos = if nanos > MAX_NANOS { core.clamp() } else { nanos };
        let budget = core.context.lease_bytes;
        let own = lanes::touch::<LatencyCell>(self.slot, budget);
        match own.and_then(|cell| Some((cell, core.own_block(cell, budget)?))) {
            Some((cell, block)) => core.record_alone(cell, block, nanos),
            None => core.record_shared(nanos),
        }
    }
}

impl SeriesHandle for Latency {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    /// Records so many seconds; what is no number is dropped.
    fn apply(&self, value: f64) {
        // Beyond 73 minutes all are the same; this keeps the largest floats convertible.
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
        Self {
            head,
            slot: Slot::take(),
            shared: OnceLock::new(),
            shared_sum: AtomicU64::new(0),
            full: Mutex::new(None),
            exemplars: ExemplarSlots::new(&desc.bounds),
            context: context.clone(),
        }
    }

    /// The buckets of the calling thread's cell, made if need be; `None` beyond `budget` bytes.
    fn own_block(&self, cell: &LatencyCell, budget: usize) -> Option<&'static OwnBlock> {
        if let Some(block) = cell.touched() {
            return Some(block);
        }
        let mut full = lock(&self.full);
        if full.is_none() {
            // Now, since a thread that fills a bucket must not allocate.
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
            block.touch(index);
        }
        if count < SPILL {
            bucket.store(count, Ordering::Relaxed);
        } else {
            self.spill(bucket, index);
        }
        cell.add(added);
    }

    /// Empties a bucket that has become full.
    #[cold]
    fn spill(&self, bucket: &AtomicU16, index: usize) {
        let full = lock(&self.full);
        match *full {
            Some(block) if block.buckets[index].load(Ordering::Relaxed) + 1 < SPILL => {
                block.buckets[index].fetch_add(1, Ordering::Relaxed);
                block.touch(index);
            }
            // After a billion values.
            _ => self.shared().add(index, u64::from(SPILL)),
        }
        bucket.store(0, Ordering::Relaxed);
    }

    /// Adds to cells that any thread may write.
    fn record_shared(&self, nanos: u64) {
        lanes::note_shared();
        let (index, added) = latency_index(nanos);
        self.shared().add(index, 1);
        // Release as in `LatencyCell::add`.
        self.shared_sum.fetch_add(added, Ordering::Release);
    }

    fn shared(&self) -> &SharedBlock {
        self.shared.get_or_init(Box::default)
    }

    #[cold]
    fn clamp(&self) -> u64 {
        self.context.clamped.fetch_add(1, Ordering::Relaxed);
        MAX_NANOS
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot.index
    }

    /// The wrapping sum over all threads of what the records added, see [`latency_index`].
    pub(crate) fn raw_sum(&self, reader: &Reader) -> u64 {
        reader.sum(self.slot.index).wrapping_add(reader.shared(|| self.shared_sum()))
    }

    /// What the records of threads without cells of their own added.
    pub(crate) fn shared_sum(&self) -> u64 {
        // Acquire as in `LatencyCell::total`.
        self.shared_sum.load(Ordering::Acquire)
    }

    /// The totals that the series went on from when it began.
    pub(crate) fn resumed(&self) -> Option<&LatencyTotals> {
        match &self.head.resumed {
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
        mut line: impl FnMut(usize, &[u64; PER_LINE]),
    ) {
        let resumed = self.resumed();
        let line = |at: usize, counts: &[u64; PER_LINE]| match resumed {
            None => line(at, counts),
            Some(totals) => line(at, &totals.add_to(at, counts)),
        };
        let full = lock(&self.full);
        let own = || reader.latencies(self.slot.index).map(|cell| cell.block.load());
        own().for_each(Block::fetch);
        own().for_each(|block| sums.add(block));
        sums.drain(*full, self.shared.get().map(Box::as_ref), line);
    }
}

/// Where a pass sums the blocks of one latency, a block at a time: they are far
/// apart in memory, and each is read from its lowest line to its highest.
#[derive(Debug)]
pub(crate) struct BlockSums {
    lines: Box<[LineSums; LINES]>,
    held: [u64; LINE_WORDS],
}

impl BlockSums {
    pub(crate) fn new() -> Self {
        Self { lines: Box::new([LineSums::default(); LINES]), held: [0; LINE_WORDS] }
    }

    fn add(&mut self, block: &OwnBlock) {
        for line in block.lines() {
            self.held[line / 64] |= 1 << (line % 64);
            self.lines[line].add(block.line(line));
        }
    }

    /// Visits the sums, with how often buckets were full and what threads share, and forgets them.
    fn drain(
        &mut self,
        full: Option<&OwnBlock>,
        shared: Option<&SharedBlock>,
        mut visit: impl FnMut(usize, &[u64; PER_LINE]),
    ) {
        let mut held = mem::take(&mut self.held);
        // Whatever was full is in a lane's line, too.
        for line in shared.into_iter().flat_map(Block::lines) {
            held[line / 64] |= 1 << (line % 64);
        }
        for line in ones(held) {
            let mut counts = mem::take(&mut self.lines[line]).counts();
            if let Some(full) = full.filter(|block| block.has(line)) {
                add(&mut counts, full.line(line), |times| {
                    u64::from(times.load(Ordering::Relaxed)) * u64::from(SPILL)
                });
            }
            if let Some(shared) = shared {
                add(&mut counts, shared.line(line), |count| count.load(Ordering::Relaxed));
            }
            visit(line, &counts);
        }
    }
}

fn add<B>(counts: &mut [u64; PER_LINE], line: &[B; PER_LINE], value: impl Fn(&B) -> u64) {
    counts.iter_mut().zip(line).for_each(|(count, bucket)| *count += value(bucket));
}

impl Drop for LatencyCore {
    fn drop(&mut self) {
        if let Some(block) = lock(&self.full).take() {
            lanes::give_block(block);
        }
    }
}

#[cfg(test)]
mod tests;
