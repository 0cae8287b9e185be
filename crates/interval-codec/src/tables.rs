//! Tables of probabilities for counts, by the count that is expected.
//!
//! Counts of independent events around an expected count `m` have the variance `m`; those of a
//! service that is now busy and now idle have more: `m + m² · spread`. So there are tables for a few
//! spreads. Below [`DIRECT`] a symbol is the count itself. From there on it is the distance from
//! the expected count in steps of about a third of the standard deviation, and the bits within a
//! step are as likely as not.

use std::sync::LazyLock;

/// The number of bits of a probability.
pub(crate) const SCALE_BITS: u32 = 14;
/// The sum of all probabilities of a table.
pub(crate) const SCALE: u32 = 1 << SCALE_BITS;
/// The number of symbols of a table.
pub(crate) const SYMBOLS: usize = 32;

/// The numbers that a register of the processor holds.
const LANES: usize = 8;

/// The spreads for which there are tables: the variance of a count `m` is `m + m² · spread`.
pub(crate) const SPREADS: [f32; 4] = [0.0, 0.03, 0.15, 0.8];
/// The expected count from which on distances are coded.
pub(crate) const DIRECT: f32 = 8.0;
/// The symbol of an expected count in the tables of distances.
pub(crate) const CENTER: i64 = SYMBOLS as i64 / 2;

/// The least expected count that is distinguished, 2⁻⁸.
const LEAST: f32 = 1.0 / 256.0;
/// The number of tables in an octave of expected counts or deviations.
const STEPS: usize = 8;
const MANTISSA_SHIFT: u32 = f32::MANTISSA_DIGITS - 1 - STEPS.ilog2();
const ORIGIN: usize = (LEAST.to_bits() >> MANTISSA_SHIFT) as usize;
const DIRECT_TABLES: usize = (DIRECT.to_bits() >> MANTISSA_SHIFT) as usize - ORIGIN;

/// The probabilities of [`SYMBOLS`] symbols, in parts of [`SCALE`]; none is zero.
#[derive(Clone, Debug)]
pub struct Table {
    /// The sum of the probabilities of all lower symbols. They fit 15 bits, so that a search compares
    /// many at once.
    below: [i16; SYMBOLS],
}

impl Table {
    /// Makes a table of weights.
    fn new(weights: [f64; SYMBOLS]) -> Self {
        let total: f64 = weights.iter().sum();
        let free = f64::from(SCALE) - SYMBOLS as f64;
        let mut below = [0; SYMBOLS];
        let mut sum = 0.0;
        for (symbol, (below, weight)) in below.iter_mut().zip(weights).enumerate() {
            *below = (sum / total * free) as i16 + symbol as i16;
            sum += weight;
        }
        Self { below }
    }

    /// Returns where the part of a symbol begins, and its size.
    #[inline]
    pub(crate) fn part(&self, symbol: usize) -> (u32, u32) {
        let first = self.below[symbol] as u32;
        let end = self.below.get(symbol + 1).map_or(SCALE, |end| *end as u32);
        (first, end - first)
    }

    /// Returns the symbol in whose part a number lies.
    #[inline]
    pub(crate) fn find(&self, at: u32) -> usize {
        let at = at as i16;
        // Compares eight at a time and without a branch: a search would mispredict at every step.
        let mut begun = [0_i16; LANES];
        for below in self.below.chunks_exact(LANES) {
            for (begun, below) in begun.iter_mut().zip(below) {
                *begun += i16::from(*below <= at);
            }
        }
        begun.iter().sum::<i16>() as usize - 1
    }
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Tables {
    direct: Vec<[Table; DIRECT_TABLES]>,
    distances: [Table; STEPS],
}

/// Computed once, since they depend on nothing.
pub(crate) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

impl Tables {
    fn new() -> Self {
        let of_spread = |spread: &f32| {
            std::array::from_fn(|step| {
                let bits = (step + ORIGIN) as u32;
                let middle = f32::from_bits((bits << MANTISSA_SHIFT) + (1 << (MANTISSA_SHIFT - 1)));
                counts(middle.into(), (*spread).into())
            })
        };
        let deviation = |step: usize| 2.0 * (1.0 + (step as f64 + 0.5) / STEPS as f64);
        Self {
            direct: SPREADS.iter().map(of_spread).collect(),
            distances: std::array::from_fn(|step| distances(deviation(step))),
        }
    }

    /// Returns the table of counts around an expected one below [`DIRECT`].
    #[inline]
    pub(crate) fn direct(&self, spread: usize, expected: f32) -> &Table {
        let step = (expected.max(LEAST).to_bits() >> MANTISSA_SHIFT) as usize - ORIGIN;
        &self.direct[spread][step.min(DIRECT_TABLES - 1)]
    }

    /// Returns the table of distances for a standard deviation of at least two, and the bits of a
    /// step: it is a power of two from a quarter to a half of the deviation.
    #[inline]
    pub(crate) fn distances(&self, deviation: f32) -> (&Table, u32) {
        let bits = deviation.max(2.0).to_bits() >> MANTISSA_SHIFT;
        let octave = bits / STEPS as u32 - 127;
        (&self.distances[bits as usize % STEPS], octave - 1)
    }
}

/// Counts around an expected one; the last symbol stands for all that are greater.
fn counts(expected: f64, spread: f64) -> Table {
    let mut weights = [0.0; SYMBOLS];
    // The negative binomial distribution, which without spread is that of Poisson.
    let mut weight = if spread > 0.0 {
        (1.0 + spread * expected).powf(-1.0 / spread)
    } else {
        (-expected).exp()
    };
    let mut rest = 1.0;
    for (count, slot) in weights[..SYMBOLS - 1].iter_mut().enumerate() {
        *slot = weight;
        rest -= weight;
        let next = count as f64;
        weight *= expected * (1.0 + spread * next) / ((next + 1.0) * (1.0 + spread * expected));
    }
    weights[SYMBOLS - 1] = rest.max(0.0);
    Table::new(weights)
}

/// Distances from an expected count in steps, by their standard deviation in steps; symbol 0
/// stands for all that have no symbol.
fn distances(deviation: f64) -> Table {
    let normal =
        |distance: f64, deviation: f64| (-(distance / deviation).powi(2) / 2.0).exp() / deviation;
    let weight = |symbol: usize| {
        let distance = (symbol as i64 - CENTER) as f64 + 0.5;
        // A wider curve below, since predictions are sometimes wrong.
        0.97 * normal(distance, deviation) + 0.03 * normal(distance, 3.0 * deviation)
    };
    let mut weights = std::array::from_fn(weight);
    weights[0] = 0.002;
    Table::new(weights)
}
