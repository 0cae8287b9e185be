//! Pseudo-random numbers for tests, and the entropy of counts.

/// A small generator (xorshift), with its seed, which is not zero.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number, uniform from 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A count of independent events of which `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        // By inversion: walks up the distribution until it has seen as much as was drawn.
        let (drawn, mut count, mut weight) = (self.uniform(), 0, (-mean).exp());
        let mut seen = weight;
        while seen < drawn && count < 10_000 {
            count += 1;
            weight *= mean / count as f64;
            seen += weight;
        }
        count
    }
}

/// The entropy of such a count in bits.
pub fn entropy(mean: f64) -> f64 {
    let (mut weight, mut bits) = ((-mean).exp(), 0.0);
    for count in 1..(mean as u64 * 3 + 60) {
        if weight > 0.0 {
            bits -= weight * weight.log2();
        }
        weight *= mean / count as f64;
    }
    bits
}
