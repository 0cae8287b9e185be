//! Tests of the history's public API, on registries under a manual clock.

mod answers;
mod gaps;
mod guests;
mod percentiles;

use std::time::Duration;

use node0_history::{Answer, History, HistoryBuilder, Query};
use node0_metrics_core::{ManualClock, Registry, Ticker, Timestamp};

/// The wall time at which each [`Bench`] starts, in milliseconds.
const START: u64 = 1_577_836_800_000;
const SECOND: Duration = Duration::from_secs(1);

/// A registry under a manual clock, with its ticker and a history.
struct Bench {
    clock: ManualClock,
    registry: Registry,
    ticker: Ticker,
    history: History,
}

impl Bench {
    fn new() -> Self {
        Self::with(History::builder())
    }

    fn with(settings: HistoryBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let ticker = registry.ticker().expect("a new registry has no ticker");
        let history = settings.register(&registry).expect("a new registry has no history");
        Self { clock, registry, ticker, history }
    }

    /// Ends a tick of a second.
    fn tick(&mut self) {
        self.clock.advance(SECOND);
        self.ticker.tick();
    }

    /// Ends some ticks, each after `work` with its number.
    fn ticks(&mut self, ticks: u64, mut work: impl FnMut(u64)) {
        for tick in 0..ticks {
            work(tick);
            self.tick();
        }
    }

    /// The wall time some seconds after the start.
    fn at(&self, seconds: u64) -> Timestamp {
        Timestamp::from_millis(START + seconds * 1000)
    }

    fn ask(&self, query: Query) -> Answer {
        self.history.query(&query).expect("the query is valid")
    }
}

/// The values of the only series of an answer.
fn values(answer: &Answer) -> &[Option<f64>] {
    assert_eq!(answer.series.len(), 1, "{answer:?}");
    &answer.series[0].values
}
