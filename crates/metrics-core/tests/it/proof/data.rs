//! The recorded data: ordinary loads, and values chosen to maximise the error of buckets.

use std::time::Duration;

use super::oracle::{LONGEST, PERMILLES};

/// Random numbers from a seed (SplitMix64), the same at each run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Between 0 and 1, neither of them.
    fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.share(), self.share());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

/// A kind of data, by a name for the figures.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) name: &'static str,
    /// So many durations, in the order in which they are recorded.
    pub(super) durations: fn(&mut Random, usize) -> Vec<Duration>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const TWO_HOURS: u64 = 2 * 3600 * 1_000_000_000;

pub(super) const SOURCES: [Source; 15] = [
    Source { name: "uniform", durations: |random, n| nanos(n, || 1 + random.below(TWO_HOURS)) },
    Source { name: "every magnitude", durations: |random, n| nanos(n, || any_magnitude(random)) },
    Source { name: "log-normal", durations: |random, n| nanos(n, || log_normal(random)) },
    Source { name: "bimodal", durations: |random, n| nanos(n, || bimodal(random)) },
    Source { name: "bucket edges", durations: |random, n| nanos(n, || bucket_edge(random)) },
    Source { name: "powers of two", durations: |random, n| nanos(n, || power_of_two(random)) },
    Source { name: "far from midpoints", durations: |random, n| nanos(n, || far_off(random)) },
    Source { name: "all equal", durations: all_equal },
    Source { name: "steps at the ranks", durations: steps_at_the_ranks },
    Source { name: "rising", durations: rising },
    Source { name: "falling", durations: falling },
    Source { name: "a few nanoseconds", durations: |random, n| nanos(n, || random.below(40)) },
    Source { name: "zero", durations: |_, n| vec![Duration::ZERO; n] },
    Source { name: "at the end", durations: |random, n| nanos(n, || LONGEST - random.below(3)) },
    Source { name: "beyond the end", durations: beyond_the_end },
];

fn nanos(n: usize, mut next: impl FnMut() -> u64) -> Vec<Duration> {
    (0..n).map(|_| Duration::from_nanos(next())).collect()
}

/// From 1 ns to two hours, as many to each doubling.
fn any_magnitude(random: &mut Random) -> u64 {
    ((TWO_HOURS as f64).powf(random.share()) as u64).max(1)
}

/// Around 4 ms, a twentieth of it beyond 100 ms.
fn log_normal(random: &mut Random) -> u64 {
    (15.2 + 2.0 * random.normal()).exp().max(1.0) as u64
}

/// A cache: most answers in 100 µs, a tenth in 2 s.
fn bimodal(random: &mut Random) -> u64 {
    let centre = if random.below(10) == 0 { 2e9 } else { 1e5 };
    (centre * (1.0 + 0.1 * random.normal())).max(1.0) as u64
}

/// Where 16 ns buckets, 64 of them to each doubling, meet; and one off.
fn bucket_edge(random: &mut Random) -> u64 {
    let edge = (64 + random.below(65)) << (4 + random.below(32));
    let linear = 16 * random.below(65);
    let edge = random.one_of(&[edge, linear]);
    (edge + random.below(3)).saturating_sub(1)
}

fn power_of_two(random: &mut Random) -> u64 {
    ((1 << random.below(44)) + random.below(3)) - 1
}

/// The first and the last value of the buckets that are widest for their value.
fn far_off(random: &mut Random) -> u64 {
    let width = 16 << random.below(32);
    64 * width + random.one_of(&[0, width - 1])
}

fn all_equal(random: &mut Random, n: usize) -> Vec<Duration> {
    let value = log_normal(random);
    nanos(n, || value)
}

/// Values that jump tenfold at the rank of each percentile or right after it, so
/// that the neighbouring rank is an outlier.
fn steps_at_the_ranks(random: &mut Random, n: usize) -> Vec<Duration> {
    let offset = random.below(2);
    let ranks = PERMILLES.map(|permille| (n as u64 * permille).div_ceil(1000) + offset);
    let mut rank = 0;
    let mut steps = nanos(n, || {
        rank += 1;
        let passed = ranks.iter().filter(|step| rank >= **step).count();
        1_000 * 10u64.pow(passed as u32)
    });
    for i in (1..n).rev() {
        steps.swap(i, random.below(i as u64 + 1) as usize);
    }
    steps
}

fn rising(random: &mut Random, n: usize) -> Vec<Duration> {
    let mut values = nanos(n, || log_normal(random));
    values.sort_unstable();
    values
}

fn falling(random: &mut Random, n: usize) -> Vec<Duration> {
    let mut values = rising(random, n);
    values.reverse();
    values
}

/// Values beyond the last bucket, mixed with the largest that fit and with ordinary ones.
fn beyond_the_end(random: &mut Random, n: usize) -> Vec<Duration> {
    let choices = [
        Duration::from_nanos(LONGEST),
        Duration::from_nanos(LONGEST + 1),
        Duration::from_secs(4398),
        Duration::from_secs(4399),
        Duration::from_nanos(TWO_HOURS),
        Duration::from_nanos(u64::MAX),
        Duration::from_nanos(u64::MAX) + Duration::from_nanos(1),
        Duration::MAX,
        Duration::from_millis(1),
    ];
    (0..n).map(|_| random.one_of(&choices)).collect()
}
