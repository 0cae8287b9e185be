//! The question: what one event costs through the handle of a monitor.
//!
//! Workload: one thread; a breaker's success, a cache hit, an acquire and release of a pool that
//! the host records, and the same through the wrapper of a deadpool pool, beside that pool alone.
//! The handles do not read the clock, the wrapper does. A handle above 15 ns, or a wrapper that
//! adds more than the pool takes alone, would be felt in a service that calls it per request.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_monitor::{BreakerMonitor, Thresholds};
use cache_monitor::CacheMonitor;
use criterion::{Criterion, criterion_group, criterion_main};
use db_pool_monitor::{PoolLevels, PoolMonitor};
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use metrics_core::Registry;

const TOOK: Duration = Duration::from_micros(500);

fn handles(c: &mut Criterion) {
    let registry = Registry::new();
    let mut group = c.benchmark_group("monitors");

    let monitor = BreakerMonitor::register(&registry).expect("it is the first");
    let circuit = monitor.circuit("payments", Thresholds::default()).expect("it is the first");
    group.bench_function("breaker-success/1t", |b| b.iter(|| black_box(&circuit).success(TOOK)));

    let monitor = CacheMonitor::register(&registry).expect("it is the first");
    let tier = monitor.tier("orders", "L1").expect("it is the first");
    group.bench_function("cache-hit/1t", |b| b.iter(|| black_box(&tier).hit(TOOK)));

    let monitor = PoolMonitor::register(&registry).expect("it is the first");
    let pool = monitor.pool("main", || Some(PoolLevels::default())).expect("it is the first");
    group.bench_function("pool-acquire-release/1t", |b| {
        b.iter(|| {
            black_box(&pool).acquired(TOOK);
            black_box(&pool).released(TOOK);
        });
    });

    let alone = connections();
    group.bench_function("deadpool-alone/1t", |b| b.iter(|| drop(now(alone.get()))));
    let watched = monitor.attach("watched", &connections()).expect("it is the first");
    group.bench_function("deadpool-watched/1t", |b| b.iter(|| drop(now(watched.get()))));
    group.finish();
}

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

fn connections() -> Pool<Connector> {
    Pool::builder(Connector).max_size(2).build().expect("it needs no runtime")
}

/// Returns the output of a future that is ready at once.
fn now<T, E>(future: impl Future<Output = Result<T, E>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(output)) => output,
        _ => panic!("nobody else has a connection"),
    }
}

criterion_group!(benches, handles);
criterion_main!(benches);
