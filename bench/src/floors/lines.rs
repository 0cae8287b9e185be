//! The floor of a pass: reading what the threads wrote, and adding it up.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use super::{BUCKETS, bucket};

/// Buckets in a cache line.
const PER_LINE: usize = 32;

/// The cells of many latencies for each of some threads, in no more than arrays.
#[expect(clippy::vec_box, reason = "the series lie apart in memory, which is what is asked")]
pub(crate) struct Lines {
    threads: Vec<Thread>,
    /// What is known of each series, apart from the others as registries have it.
    series: Vec<Box<Series>>,
    /// The lines that any value falls into, known from the start.
    touched: Vec<usize>,
}

/// The window, the totals and the last mark of one series are more than two cache lines.
struct Series([u64; 16]);

/// What is published of one series: its kind, its numbers and their time.
type Value = [u64; 4];

struct Thread {
    sums: Box<[AtomicU64]>,
    buckets: Vec<Box<[Line]>>,
}

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU16; PER_LINE]);

impl Lines {
    pub(crate) fn new(threads: usize, series: usize, values: &[u64]) -> Arc<Self> {
        let mut touched: Vec<_> = values.iter().map(|nanos| bucket(*nanos) / PER_LINE).collect();
        touched.sort_unstable();
        touched.dedup();
        let block = |_| (0..BUCKETS.div_ceil(PER_LINE)).map(|_| Line::default()).collect();
        let thread = |_| Thread {
            sums: (0..series).map(|_| AtomicU64::new(0)).collect(),
            buckets: (0..series).map(block).collect(),
        };
        Arc::new(Self {
            threads: (0..threads).map(thread).collect(),
            series: (0..series).map(|_| Box::new(Series([0; 16]))).collect(),
            touched,
        })
    }

    pub(crate) fn record(&self, thread: usize, series: usize, nanos: u64) {
        let thread = &self.threads[thread];
        let add =
            |cell: &AtomicU16| cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let bucket = bucket(nanos);
        add(&thread.buckets[series][bucket / PER_LINE].0[bucket % PER_LINE]);
        let sum = thread.sums[series].load(Ordering::Relaxed);
        thread.sums[series].store(sum + nanos, Ordering::Relaxed);
    }

    /// What an idle pass cannot do without: looking at every sum, finding each series as it
    /// was, and writing a value for it.
    pub(crate) fn publish_idle(&self) {
        let mut values: Vec<Value> = Vec::with_capacity(self.series.len());
        for (at, series) in self.series.iter().enumerate() {
            let sums = self.threads.iter().map(|thread| thread.sums[at].load(Ordering::Relaxed));
            let sum = sums.fold(0, u64::wrapping_add);
            let Series([mark, .., age]) = **series;
            values.push([sum, mark, age, black_box(u64::from(sum == mark))]);
        }
        black_box(values);
    }

    /// What a pass over busy series cannot do without: reading every line that was written.
    pub(crate) fn add_up_lines(&self) -> u64 {
        let mut all = 0;
        let mut total = [0_u64; BUCKETS];
        for series in 0..self.threads[0].buckets.len() {
            total.fill(0);
            for thread in &self.threads {
                let lines = &thread.buckets[series];
                let (totals, _) = total.as_chunks_mut::<PER_LINE>();
                for line in &self.touched {
                    for (total, cell) in totals[*line].iter_mut().zip(&lines[*line].0) {
                        *total += u64::from(cell.load(Ordering::Relaxed));
                    }
                }
            }
            all += black_box(&total).iter().sum::<u64>();
        }
        all
    }
}
