//! A small service with every monitor, and functions that make its parts fail.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use node0::breaker::{BreakerMonitor, Circuit, State};
use node0::cache::{CacheMonitor, Tier};
use node0::performance::PerformanceMonitor;
use node0::system::SystemMonitor;
use node0::{
    Latency, ManualClock, MonitoredPool, PoolMonitor, Registry, RegistryBuilder, Sample, breaker,
    system,
};

/// The number of uses of each part, above every minimum.
const OFTEN: u64 = 100;

pub(crate) struct Service {
    pub(crate) clock: ManualClock,
    pub(crate) circuit: Circuit,
    pub(crate) tier: Tier,
    pub(crate) orders: Latency,
    pool: MonitoredPool<Connector>,
    is_away: Arc<AtomicBool>,
    ticker: node0_metrics_core::Ticker,
}

/// The memory limit of the process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    Enough,
    Short,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(Registry::builder(), Memory::Enough)
    }

    pub(crate) fn with(settings: RegistryBuilder, memory: Memory) -> Self {
        let clock = ManualClock::new();
        let registry = settings.clock(clock.clock()).build();
        let is_away = Arc::new(AtomicBool::new(false));
        let pool = Pool::builder(Connector { is_away: is_away.clone() }).max_size(2);
        let thresholds = match memory {
            Memory::Enough => system::Thresholds::default(),
            Memory::Short => system::Thresholds {
                memory_warn: 1e-12,
                memory_fail: 2e-12,
                ..system::Thresholds::default()
            },
        };
        SystemMonitor::builder().thresholds(thresholds).register(&registry).unwrap();
        let circuits = BreakerMonitor::register(&registry).unwrap();
        Self {
            pool: PoolMonitor::register(&registry).unwrap().build("main", pool).unwrap(),
            tier: CacheMonitor::register(&registry).unwrap().tier("orders", "L1").unwrap(),
            circuit: circuits.circuit("payments", breaker::Thresholds::default()).unwrap(),
            orders: PerformanceMonitor::register(&registry).unwrap().latency("orders").unwrap(),
            ticker: registry.ticker().unwrap(),
            clock,

            is_away,
        }
    }

    pub(crate) fn get_connections(&self, times: u64) {
        (0..times).for_each(|_| drop(now(self.pool.get())));
    }

    /// Everything is used, and works.
    pub(crate) fn works(&self) {
        self.get_connections(OFTEN);
        for _ in 0..OFTEN {
            self.tier.hit(Duration::from_micros(2));
            self.circuit.success(Duration::from_millis(20));
            self.orders.record(Duration::from_millis(30));
        }
    }

    /// No connection can be opened, and the open ones are lost.
    pub(crate) fn database_dies(&self) {
        self.is_away.store(true, Ordering::Relaxed);
        self.pool.pool().retain(|_, _| false);
        self.get_connections(2 * OFTEN);
    }

    pub(crate) fn cache_is_cold(&self) {
        (0..10 * OFTEN).for_each(|_| self.tier.miss(Duration::from_micros(2)));
    }

    pub(crate) fn circuit_opens(&self) {
        self.circuit.state_changed(State::Closed, State::Open, "too many failed");
    }

    pub(crate) fn calls_fail(&self) {
        (0..10 * OFTEN).for_each(|_| self.circuit.failure(Duration::from_millis(20), "response"));
    }

    pub(crate) fn orders_are_slow(&self) {
        (0..20 * OFTEN).for_each(|_| self.orders.record(Duration::from_secs(3)));
    }

    /// Ends a tick of a second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick().sample
    }

    /// So many ticks, long enough for what is judged to be believed.
    pub(crate) fn settle(&mut self) -> Arc<Sample> {
        (0..3).for_each(|_| drop(self.tick()));
        self.tick()
    }
}

pub(crate) struct Connector {
    is_away: Arc<AtomicBool>,
}

impl Manager for Connector {
    type Type = ();
    type Error = &'static str;

    async fn create(&self) -> Result<(), Self::Error> {
        if self.is_away.load(Ordering::Relaxed) { Err("the database is away") } else { Ok(()) }
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Self::Error> {
        Ok(())
    }
}

/// Returns the output of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nobody else has a connection"),
    }
}
