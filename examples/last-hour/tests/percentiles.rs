//! The percentiles of merged deltas equal those of all recorded samples.

use std::time::Duration;

use last_hour::{HOUR, LastHour};
use node0_metrics_core::{Buckets, Desc, Latency, Layout, ManualClock, Registry, Ticker};

const WORK: Desc = Desc::latency("work_duration_seconds", "Time that a piece of work took.");
const SECOND: Duration = Duration::from_secs(1);

/// A registry with a manual clock, and the values that were recorded in each tick.
struct Bench {
    clock: ManualClock,
    registry: Registry,
    ticker: Ticker,
    latency: Latency,
    past: LastHour,
    ticks: Vec<Vec<Duration>>,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let ticker = registry.ticker().expect("a new registry has none");
        let latency = registry.latency(&WORK, &[]).expect("the description is valid");
        let past = LastHour::of(&latency).expect("the handle is enabled");
        Self { clock, registry, ticker, latency, past, ticks: Vec::new() }
    }

    /// Records up to 40 values from 1 µs to 17 s, none in every seventh second, and ticks.
    fn second(&mut self) {
        let second = self.ticks.len() as u64;
        let count = if second.is_multiple_of(7) { 0 } else { 1 + second * second % 40 };
        let nanos = |n: u64| {
            let random = (second * 1000 + n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
            (1000 << (random % 24)) + random % (1000 << (random % 24))
        };
        let recorded: Vec<_> = (0..count).map(|n| Duration::from_nanos(nanos(n))).collect();
        recorded.iter().for_each(|took| self.latency.record(*took));
        self.ticks.push(recorded);
        self.clock.advance(SECOND / 2);
        self.past.observe(&self.registry.read());
        self.clock.advance(SECOND / 2);
        self.past.observe(&self.ticker.tick().sample);
    }

    fn over(&self, period: Duration) -> Buckets {
        self.past.over(period, self.registry.latest().uptime)
    }

    /// Compares the percentiles of the last seconds with those of the recorded values.
    fn judge(&self, seconds: usize) {
        let first = self.ticks.len().saturating_sub(seconds);
        let mut exact: Vec<_> = self.ticks[first..].concat();
        exact.sort_unstable();
        let merged = self.over(SECOND * seconds as u32);
        assert_eq!(merged.count(), exact.len() as u64, "over {seconds} s");
        for q in [0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let rank = (q * exact.len() as f64).ceil() as usize;
            let exact = exact[rank - 1].as_secs_f64();
            let seen = merged.quantile(q).expect("there are samples");
            let allowed = Layout::Latency.error_at(exact) * (1.0 + 1e-9);
            assert!((seen - exact).abs() <= allowed, "{seen} s for {exact} s at {q}");
        }
    }
}

#[test]
fn percentiles_of_an_hour_are_those_of_all_its_samples() {
    let mut bench = Bench::new();
    (0..3600).for_each(|_| bench.second());
    [60, 900, 3600].into_iter().for_each(|seconds| bench.judge(seconds));
    assert_eq!(bench.past.missed(), 0);

    // No value is older than an hour, so the merged deltas are the registry's totals.
    let sample = bench.registry.latest();
    let total = sample.view().latency(&bench.latency).expect("it is registered").total();
    let merged = bench.over(HOUR);
    assert!(merged.counts().eq(total.counts()));
    assert!((merged.sum() - total.sum()).abs() <= total.sum() * 1e-12);

    // Ten minutes later the first ten minutes are out of the history.
    (0..600).for_each(|_| bench.second());
    bench.judge(3600);
    assert_eq!(bench.over(HOUR * 2).count(), bench.over(HOUR).count());
}

#[test]
fn ticks_that_were_not_observed_are_counted() {
    let mut bench = Bench::new();
    bench.second();
    for _ in 0..3 {
        bench.clock.advance(SECOND);
        bench.ticker.tick();
    }
    // A fresh read between ticks has the delta of the last whole tick again.
    bench.second();
    assert_eq!(bench.past.missed(), 2);
    assert!(LastHour::of(&Latency::disabled()).is_none());
}
