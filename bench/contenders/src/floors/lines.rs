//! The floor of a pass: reads the buckets and sums of all threads and adds them up.
//!
//! Each thread has buckets and sums of its own for each series, as in node0, and a pass must
//! read all that were written. The floor keeps no windows and publishes no snapshot.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{BUCKETS, bucket};

/// The buckets in a cache line: 16 bits each, four to a word, read a word at a time.
const PER_LINE: usize = PER_WORD * WORDS;
const PER_WORD: usize = 4;
const WORDS: usize = 8;

/// The buckets and sums of many latencies for each of several threads, in plain arrays.
#[expect(clippy::vec_box, reason = "the series lie apart in memory, which is what is asked")]
pub struct Lines {
    threads: Vec<Thread>,
    /// The state of each series, in an allocation of its own as in a registry.
    series: Vec<Box<Series>>,
    /// The cache lines with the bucket of at least one value, computed in advance.
    touched: Vec<usize>,
}

/// A stand-in for the state of a series: two cache lines, where a real state takes more.
struct Series([u64; 16]);

/// The published value of a series: its kind, its numbers and their time.
type Value = [u64; 4];

struct Thread {
    sums: Box<[AtomicU64]>,
    buckets: Vec<Box<[Line]>>,
}

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU64; WORDS]);

impl Lines {
    pub fn new(threads: usize, series: usize, values: &[u64]) -> Arc<Self> {
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

    pub fn record(&self, thread: usize, series: usize, nanos: u64) {
        let thread = &self.threads[thread];
        let add = |cell: &AtomicU64, n| {
            cell.store(cell.load(Ordering::Relaxed) + n, Ordering::Relaxed);
        };
        let bucket = bucket(nanos);
        let word = bucket % PER_LINE / PER_WORD;
        add(&thread.buckets[series][bucket / PER_LINE].0[word], 1 << (16 * (bucket % PER_WORD)));
        add(&thread.sums[series], nanos);
    }

    /// Does the work that an idle pass cannot avoid: reads every sum, finds that the series has
    /// not changed, and writes a value for it.
    pub fn publish_idle(&self) {
        let mut values: Vec<Value> = Vec::with_capacity(self.series.len());
        for (at, series) in self.series.iter().enumerate() {
            let sums = self.threads.iter().map(|thread| thread.sums[at].load(Ordering::Relaxed));
            let sum = sums.fold(0, u64::wrapping_add);
            let Series([mark, .., age]) = **series;
            values.push([sum, mark, age, black_box(u64::from(sum == mark))]);
        }
        black_box(values);
    }

    /// Does the work that a busy pass cannot avoid: reads every cache line that was written.
    pub fn add_up_lines(&self) -> u64 {
        const EVEN: u64 = 0x0000_ffff_0000_ffff;
        let mut all = 0;
        // The totals of the even and the odd buckets of each word, in 32 bits each.
        let mut total = [[[0_u64; WORDS]; 2]; BUCKETS.div_ceil(PER_LINE)];
        for series in 0..self.threads[0].buckets.len() {
            total.as_flattened_mut().fill([0; WORDS]);
            for thread in &self.threads {
                let lines = &thread.buckets[series];
                for line in &self.touched {
                    let [even, odd] = &mut total[*line];
                    for (at, cell) in lines[*line].0.iter().enumerate() {
                        let word = cell.load(Ordering::Relaxed);
                        even[at] += word & EVEN;
                        odd[at] += (word >> 16) & EVEN;
                    }
                }
            }
            let pairs = black_box(&total).as_flattened().as_flattened().iter();
            all += pairs.map(|pair| (pair >> 32) + (pair & u64::from(u32::MAX))).sum::<u64>();
        }
        all
    }
}
