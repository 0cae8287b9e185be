//! The values and labels that all contenders record, drawn before the clock starts.
//!
//! Each contender gets the values in the type that its API takes, so that no figure includes
//! a conversion that users would not need. The seeds are fixed, so every run is the same.

use std::sync::LazyLock;
use std::time::Duration;

use crate::rounds::LAP;

/// The number of values; a loop starts again after the last.
pub const VALUES: usize = 4096;
/// The number of choices among many metrics; a loop starts again after the last.
pub const CHOICES: usize = LAP;

/// The bucket bounds of all contenders in seconds: 0.1 ms, doubled thirteen times.
pub const BOUNDS: [f64; 14] = {
    let mut bounds = [0.0001; 14];
    let mut k = 1;
    while k < 14 {
        bounds[k] = bounds[k - 1] * 2.0;
        k += 1;
    }
    bounds
};

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const ROUTES: [&str; 4] = ["/orders", "/orders/{id}", "/customers/{id}/orders", "/health"];

/// Latencies in nanoseconds: log-normal around 1 ms, with the spread of an ordinary service.
static NANOS: LazyLock<[u64; VALUES]> = LazyLock::new(|| {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    std::array::from_fn(|_| (1e6 * (0.8 * random.normal()).exp()) as u64)
});
static SECONDS: LazyLock<[f64; VALUES]> = LazyLock::new(|| nanos().map(|nanos| nanos as f64 / 1e9));
static DURATIONS: LazyLock<[Duration; VALUES]> =
    LazyLock::new(|| nanos().map(Duration::from_nanos));
static CHOSEN: LazyLock<[u16; CHOICES]> = LazyLock::new(|| {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|_| (random.draw() % 1000) as u16)
});

/// Returns the latencies in nanoseconds.
pub fn nanos() -> &'static [u64; VALUES] {
    &NANOS
}

/// Returns the latencies in seconds.
pub fn seconds() -> &'static [f64; VALUES] {
    &SECONDS
}

/// Returns the latencies as durations.
pub fn durations() -> &'static [Duration; VALUES] {
    &DURATIONS
}

/// Returns numbers below 1000, each equally likely.
pub fn choices() -> &'static [u16; CHOICES] {
    &CHOSEN
}

/// Returns the method and route of the `i`th request: sixteen pairs in turn.
///
/// They are chosen at run time but are `'static`, which saves an allocation in peers that
/// own their labels; with owned strings those peers would be slower.
#[inline]
pub fn request(i: usize) -> (&'static str, &'static str) {
    (METHODS[i & 3], ROUTES[i >> 2 & 3])
}

/// Returns the labels of the `i`th of many series: method, route, status.
pub fn labels(i: usize) -> [(&'static str, String); 3] {
    let status = [200, 404, 500][i % 3];
    [
        ("method", METHODS[i & 3].to_owned()),
        ("route", format!("/api/v1/items/{i}")),
        ("status", status.to_string()),
    ]
}

/// A xorshift generator: repeatable, and random enough for choices.
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number in (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a standard normal number, by the Box–Muller transform.
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.unit(), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig::stats::{quantile, sorted};

    #[test]
    fn latencies_have_the_median_and_spread_they_claim() {
        let sorted = sorted(seconds());
        assert!((quantile(&sorted, 0.5) / 0.001 - 1.0).abs() < 0.05);
        let one_sigma = quantile(&sorted, 0.841) / quantile(&sorted, 0.5);
        assert!((one_sigma.ln() - 0.8).abs() < 0.05, "{one_sigma}");
    }

    #[test]
    fn all_sixteen_requests_come_up() {
        let requests: std::collections::HashSet<_> = (0..16).map(request).collect();
        assert_eq!(requests.len(), 16);
    }
}
