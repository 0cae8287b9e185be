//! Records through the handles of monitors, one event each.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use metrics::counter;
use node0_breaker_monitor::{BreakerMonitor, Thresholds};
use node0_cache_monitor::CacheMonitor;
use node0_db_pool_monitor::{PoolLevels, PoolMonitor};
use node0_metrics_bridge::Recorder;
use node0_performance_monitor::PerformanceMonitor;

use crate::repeat::{repeat, repeat_async};
use crate::{Failure, Path, registry};

const TOOK: Duration = Duration::from_micros(500);

pub(crate) const PATHS: &[Path] = &[
    ("operation-by-name", |times| {
        let performance = PerformanceMonitor::register(&registry())?;
        repeat(times, |_| performance.record_latency(black_box("orders:place"), TOOK))
    }),
    ("breaker-success", |times| {
        let monitor = BreakerMonitor::register(&registry())?;
        let circuit = monitor.circuit("payments", Thresholds::default())?;
        repeat(times, |_| black_box(&circuit).success(TOOK))
    }),
    ("cache-hit", |times| {
        let monitor = CacheMonitor::register(&registry())?;
        let tier = monitor.tier("orders", "L1")?;
        repeat(times, |_| black_box(&tier).hit(TOOK))
    }),
    ("pool-acquire-release", |times| {
        let monitor = PoolMonitor::register(&registry())?;
        let pool = monitor.pool("main", || Some(PoolLevels::default()))?;
        repeat(times, |_| {
            black_box(&pool).acquired(TOOK);
            black_box(&pool).released(TOOK);
        })
    }),
    ("watched-deadpool", |times| {
        let monitor = PoolMonitor::register(&registry())?;
        let pool = monitor.attach("main", &connections()?)?;
        repeat_async(times, async || {
            drop(pool.get().await?);
            Ok(())
        })
    }),
    // The pool without a monitor.
    ("alone-deadpool", |times| {
        let pool = connections()?;
        repeat_async(times, async || {
            drop(pool.get().await?);
            Ok(())
        })
    }),
    ("bridge-counter", |times| {
        let recorder = Recorder::register(&registry())?;
        metrics::with_local_recorder(&recorder, || {
            repeat(times, |_| counter!("jobs", "queue" => "mails").increment(1))
        })
    }),
];

/// Makes connections that are nothing but a place in the pool.
struct Connector;

impl Manager for Connector {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

fn connections() -> Result<Pool<Connector>, Failure> {
    Ok(Pool::builder(Connector).max_size(2).build()?)
}
