//! Durations, with exact windows and percentiles.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::buckets::{Buckets, LATENCY_OCTAVES, Layout, MAX_NANOS, PER_OCTAVE, latency_index};
use crate::context::Context;
use crate::exemplar::{ExemplarSlots, TraceId};
use crate::lanes::{self, Block, BlockSlot, Reader, WordSlot};
use crate::sync::lock;
use crate::timer::Timer;

/// The count at which a bucket's 32 bits are moved to the retired totals.
const SPILL: u32 = 1 << 31;

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
/// let window = sample.view().latency(&wait).expect("it is registered").window.clone();
/// let p95 = window.buckets.quantile(0.95).expect("there are samples");
/// assert!((p95 - 0.095).abs() < 0.095 / 100.0);
/// # Ok::<(), metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Latency {
    word: u32,
    block: u32,
    core: Option<Arc<LatencyCore>>,
}

#[derive(Debug)]
pub(crate) struct LatencyCore {
    pub(crate) id: u64,
    word: WordSlot,
    block: BlockSlot,
    /// For threads without cells of their own.
    shared: OnceLock<Box<Block>>,
    shared_sum: AtomicU64,
    /// What spilled from 32-bit buckets; its lock orders spills against passes.
    retired: Mutex<Option<Box<Buckets>>>,
    pub(crate) exemplars: ExemplarSlots,
    context: Arc<Context>,
}

impl Latency {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self { word: u32::MAX, block: u32::MAX, core: None }
    }

    pub(crate) fn new(core: Arc<LatencyCore>) -> Self {
        Self { word: core.word.0, block: core.block.0, core: Some(core) }
    }

    pub(crate) fn id(&self) -> Option<u64> {
        self.core.as_ref().map(|core| core.id)
    }

    /// Records one duration.
    #[inline]
    pub fn record(&self, duration: Duration) {
        let seconds = duration.as_secs();
        // Below this no product overflows and nothing needs clamping.
        if seconds < MAX_NANOS / 1_000_000_000 {
            self.record_within(seconds * 1_000_000_000 + u64::from(duration.subsec_nanos()));
        } else {
            self.record_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
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

    /// A number that changes with every record.
    pub(crate) fn mark(&self, reader: &Reader) -> u64 {
        self.core.as_ref().map_or(0, |core| core.raw_sum(reader))
    }

    pub(crate) fn context(&self) -> Option<&Context> {
        self.core.as_ref().map(|core| &*core.context)
    }

    #[inline]
    pub(crate) fn record_nanos(&self, nanos: u64) {
        self.record_within(if nanos > MAX_NANOS { self.clamp() } else { nanos });
    }

    /// Records a duration that the buckets can tell apart.
    #[inline]
    fn record_within(&self, nanos: u64) {
        match (lanes::word(self.word), lanes::block(self.block)) {
            (Some(word), Some(block)) => self.record_alone(word, block, nanos),
            _ => self.record_first(nanos),
        }
    }

    /// Adds to cells that only this thread writes.
    #[inline]
    fn record_alone(&self, word: &AtomicU64, block: &Block, nanos: u64) {
        let index = latency_index(nanos);
        let bucket = &block.buckets[index];
        let count = bucket.load(Ordering::Relaxed).wrapping_add(1);
        // One branch for both rare cases: the bucket's first value and its 2³¹st.
        if count.wrapping_sub(2) >= SPILL - 2 {
            self.record_rare(block, index, count);
        } else {
            bucket.store(count, Ordering::Relaxed);
        }
        // The sum of value + 1 changes with every record, so it is the mark by
        // which a pass finds the series changed. Release pairs with the acquire
        // in `Reader::sum`: who sees the mark sees the bucket.
        let raw = word.load(Ordering::Relaxed).wrapping_add(nanos + 1);
        word.store(raw, Ordering::Release);
    }

    #[cold]
    fn record_rare(&self, block: &Block, index: usize, count: u32) {
        if count < SPILL {
            mark_octave(block, index);
            block.buckets[index].store(count, Ordering::Relaxed);
        } else if let Some(core) = &self.core {
            let mut retired = lock(&core.retired);
            let (octave, bucket) = split(index);
            let moved = retired.get_or_insert_with(|| Box::new(Buckets::new(Layout::Latency)));
            moved.add(octave, bucket, u64::from(SPILL));
            // Stored under the lock, so that a pass sees the count in one place.
            block.buckets[index].store(count - SPILL, Ordering::Relaxed);
        }
    }

    #[cold]
    fn record_first(&self, nanos: u64) {
        let Some(core) = &self.core else { return };
        let budget = core.context.lease_bytes;
        let own = lanes::touch_word(self.word, budget).zip(lanes::touch_block(self.block, budget));
        match own {
            Some((word, block)) => self.record_alone(word, block, nanos),
            None => core.record_shared(nanos),
        }
    }

    #[cold]
    fn clamp(&self) -> u64 {
        if let Some(core) = &self.core {
            core.context.clamped.fetch_add(1, Ordering::Relaxed);
        }
        MAX_NANOS
    }
}

impl LatencyCore {
    pub(crate) fn new(id: u64, bounds: &[f64], context: Arc<Context>) -> Self {
        Self {
            id,
            word: WordSlot::take(),
            block: BlockSlot::take(),
            shared: OnceLock::new(),
            shared_sum: AtomicU64::new(0),
            retired: Mutex::new(None),
            exemplars: ExemplarSlots::new(bounds),
            context,
        }
    }

    fn record_shared(&self, nanos: u64) {
        let block = self.shared.get_or_init(|| Box::new(Block::new()));
        let index = latency_index(nanos);
        let before = block.buckets[index].fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            mark_octave(block, index);
        } else if before >= SPILL {
            self.spill_shared(block, index);
        }
        // Release as in `record_alone`.
        self.shared_sum.fetch_add(nanos + 1, Ordering::Release);
    }

    #[cold]
    fn spill_shared(&self, block: &Block, index: usize) {
        let mut retired = lock(&self.retired);
        if block.buckets[index].load(Ordering::Relaxed) >= SPILL {
            let (octave, bucket) = split(index);
            let moved = retired.get_or_insert_with(|| Box::new(Buckets::new(Layout::Latency)));
            moved.add(octave, bucket, u64::from(SPILL));
            block.buckets[index].fetch_sub(SPILL, Ordering::Relaxed);
        }
    }

    /// The sum of value + 1 over all records, in nanoseconds.
    pub(crate) fn raw_sum(&self, reader: &Reader) -> u64 {
        // Acquire pairs with the release of a shared record.
        reader.sum(self.word.0).wrapping_add(self.shared_sum.load(Ordering::Acquire))
    }

    /// Visits the total counts of every octave that holds something.
    ///
    /// Call it after [`Self::raw_sum`], so that what is in the sum is in the buckets.
    pub(crate) fn visit(&self, reader: &Reader, mut octave: impl FnMut(u16, &[u64; PER_OCTAVE])) {
        let retired = lock(&self.retired);
        let own = reader.blocks(self.block.0).map(|block| -> &Block { block });
        let blocks: Vec<&Block> = own.chain(self.shared.get().map(Box::as_ref)).collect();
        let held = blocks.iter().fold(0, |all, block| all | block.octaves.load(Ordering::Relaxed));
        for key in (0..LATENCY_OCTAVES).filter(|key| held & (1 << key) != 0) {
            let mut counts = [0; PER_OCTAVE];
            if let Some(retired) = &*retired {
                for (bucket, count) in counts.iter_mut().enumerate() {
                    *count = retired.at(key as u16, bucket);
                }
            }
            for block in &blocks {
                let cells = &block.buckets[key * PER_OCTAVE..][..PER_OCTAVE];
                for (count, cell) in counts.iter_mut().zip(cells) {
                    *count += u64::from(cell.load(Ordering::Relaxed));
                }
            }
            octave(key as u16, &counts);
        }
    }
}

fn mark_octave(block: &Block, index: usize) {
    block.octaves.fetch_or(1 << (index / PER_OCTAVE), Ordering::Relaxed);
}

fn split(index: usize) -> (u16, usize) {
    ((index / PER_OCTAVE) as u16, index % PER_OCTAVE)
}

#[cfg(test)]
mod tests;
