//! The oracle: computes the expected readings from all samples ever recorded.

use std::time::Duration;

/// The longest duration that the core tells from longer ones.
pub(super) const LONGEST: u64 = (1 << 42) - 1;

/// The percentiles that are proven, in thousandths.
pub(super) const PERMILLES: [u64; 5] = [500, 900, 950, 990, 999];

/// The bounds of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) samples: usize,
    pub(super) max_age: Duration,
}

/// All samples of one series with their times, and when the ticks were.
///
/// A tick holds what was recorded after its start, up to its end. So after each
/// tick the clock moves before the next record.
#[derive(Debug)]
pub(super) struct Oracle {
    rule: Rule,
    /// The starts of the ticks, the running one's last; the first saw the series come.
    ticks: Vec<Duration>,
    /// In the order of their times.
    samples: Vec<(Duration, u64)>,
    /// The number of samples longer than [`LONGEST`].
    pub(super) clamped: u64,
}

/// A window's samples by rising value, with the time that it covers.
#[derive(Debug)]
pub(super) struct Exact {
    pub(super) nanos: Vec<u64>,
    pub(super) span: Duration,
}

impl Oracle {
    /// Of a series that comes in the tick that began at `tick`.
    pub(super) fn new(rule: Rule, tick: Duration) -> Self {
        Self { rule, ticks: vec![tick], samples: Vec::new(), clamped: 0 }
    }

    pub(super) fn record(&mut self, now: Duration, took: Duration) {
        let nanos = took.as_nanos();
        self.clamped += u64::from(nanos > u128::from(LONGEST));
        let nanos = u64::try_from(nanos).unwrap_or(LONGEST).min(LONGEST);
        assert!(now > self.running(), "the clock stood still since the tick");
        self.samples.push((now, nanos));
    }

    /// The running tick ends and the next begins.
    pub(super) fn tick(&mut self, now: Duration) {
        self.ticks.push(now);
    }

    /// The window rule: the running tick, and of the whole ticks before it the most
    /// recent ones until there are enough samples, none that began too long ago.
    pub(super) fn window(&self, now: Duration) -> Exact {
        let mut begin = self.running();
        for &earlier in self.ticks.iter().rev().skip(1) {
            let enough = self.since(begin).len() >= self.rule.samples;
            let too_old = now - earlier > self.rule.max_age;
            if enough || too_old {
                break;
            }
            begin = earlier;
        }
        let mut nanos: Vec<u64> = self.since(begin).iter().map(|(_, nanos)| *nanos).collect();
        nanos.sort_unstable();
        Exact { nanos, span: now - begin }
    }

    /// Everything since the series came.
    pub(super) fn count(&self) -> u64 {
        self.samples.len() as u64
    }

    pub(super) fn sum(&self) -> u128 {
        self.samples.iter().map(|(_, nanos)| u128::from(*nanos)).sum()
    }

    fn running(&self) -> Duration {
        *self.ticks.last().expect("there is always a running tick")
    }

    fn since(&self, begin: Duration) -> &[(Duration, u64)] {
        &self.samples[self.samples.partition_point(|(at, _)| *at <= begin)..]
    }
}

impl Exact {
    /// The sample of the nearest rank: the smallest that this share of all do not exceed.
    pub(super) fn percentile(&self, permille: u64) -> Option<u64> {
        let rank = (self.nanos.len() as u64 * permille).div_ceil(1000);
        self.nanos.get(rank.checked_sub(1)? as usize).copied()
    }

    pub(super) fn mean(&self) -> Option<f64> {
        let sum: u128 = self.nanos.iter().map(|nanos| u128::from(*nanos)).sum();
        (!self.nanos.is_empty()).then(|| sum as f64 / self.nanos.len() as f64)
    }
}

#[test]
fn the_oracle_is_right_where_a_person_can_tell() {
    let second = Duration::from_secs;
    let rule = Rule { samples: 3, max_age: second(10) };
    let mut oracle = Oracle::new(rule, second(0));
    for (at, took) in [(1, 40), (2, 10), (3, 30), (6, 20)] {
        oracle.record(second(at), Duration::from_nanos(took));
        oracle.tick(second(at) + Duration::from_millis(500));
    }
    let seen = |now: f64| {
        let window = oracle.window(Duration::from_secs_f64(now));
        (window.nanos, window.span.as_secs_f64())
    };
    assert_eq!(seen(7.0), (vec![10, 20, 30], 5.5), "the tick from 1.5 s on has the third");
    assert_eq!(seen(12.0), (vec![20, 30], 9.5), "that tick began more than 10 s ago");
    assert_eq!(seen(14.0), (vec![], 7.5), "and so did the last with a sample");

    let hundred = Exact { nanos: (1..=100).collect(), span: second(1) };
    let percentiles = PERMILLES.map(|permille| hundred.percentile(permille).unwrap());
    assert_eq!(percentiles, [50, 90, 95, 99, 100]);
    assert_eq!(Exact { nanos: vec![], span: second(1) }.percentile(500), None);
    assert_eq!(Exact { nanos: vec![7], span: second(1) }.percentile(1), Some(7));
}
