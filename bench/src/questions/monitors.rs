//! The question: the cost of a record through a monitor's handle, compared with the plain
//! latency record that it contains.
//!
//! Workload: the stream of log-normal values, one record each. A cache hit is counted and
//! timed; a breaker's success also ends a row of failures; a pool's acquire and release are
//! a wait, a hold and an outcome. The handles do not read the clock: their callers do.
//!
//! The wrapper of a deadpool pool does more than record: it is a future around the pool's
//! own, and keeps a ledger of the held connections, to find old and leaked ones. The pool
//! itself and the readings of the clock would cost the same without node0. They are measured
//! apart, and its budget is for what goes beyond them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::Result;
use breaker_monitor::{BreakerMonitor, Thresholds};
use cache_monitor::CacheMonitor;
use db_pool_monitor::{PoolLevels, PoolMonitor};
use deadpool::managed::{Manager, Metrics, Pool as Connections, RecycleResult};

use crate::peers::node0;
use crate::pool::Pool;
use crate::rounds::{Contender, Effort, Race, race};
use crate::workload::{self, VALUES};

pub(crate) const WRAPPED_POOL: &str = "node0, deadpool get and drop";
pub(crate) const POOL: &str = "apart, the pool alone";
pub(crate) const CLOCK: &str = "apart, three clock readings";

/// The readings of the clock for one acquire and release: before, between and after.
const READINGS: usize = 3;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(1);
    let contenders = vec![
        node0::latency(),
        cache_hit(),
        breaker_success(),
        pool_told(),
        pool_wrapped(),
        pool_alone(),
        clock(),
    ];
    let title = "Handles of monitors, against one latency sample";
    Ok(vec![race("monitors/1t", title, &pool, effort, contenders)?])
}

fn cache_hit() -> Contender {
    let (registry, values) = (node0::registry(|builder| builder), workload::durations());
    let monitor = CacheMonitor::register(&registry).expect("it is the first");
    let tier = monitor.tier("orders", "L1").expect("it is the first");
    let record = move |i: usize| tier.hit(values[i % VALUES]);
    let recorded = move || monitor.tier_metrics(&registry.read(), "L1").map_or(0, |it| it.hits);
    Contender::recording("node0, cache hit", record, recorded)
}

fn breaker_success() -> Contender {
    let (registry, values) = (node0::registry(|builder| builder), workload::durations());
    let monitor = BreakerMonitor::register(&registry).expect("it is the first");
    let circuit = monitor.circuit("payments", Thresholds::default()).expect("it is the first");
    let record = move |i: usize| circuit.success(values[i % VALUES]);
    let recorded = move || {
        let metrics = monitor.metrics(&registry.read(), "payments");
        metrics.map_or(0, |metrics| metrics.successes)
    };
    Contender::recording("node0, breaker success", record, recorded)
}

fn pool_told() -> Contender {
    let (registry, values) = (node0::registry(|builder| builder), workload::durations());
    let monitor = PoolMonitor::register(&registry).expect("it is the first");
    let levels = PoolLevels { used: Some(1), idle: Some(1), max: Some(2), ..PoolLevels::default() };
    let handle = monitor.pool("main", move || Some(levels)).expect("it is the first");
    let record = move |i: usize| {
        handle.acquired(values[i % VALUES]);
        handle.released(values[(i + 1) % VALUES]);
    };
    let recorded = move || monitor.metrics(&registry.read(), "main").map_or(0, |it| it.acquired);
    Contender::recording("node0, pool acquire and release", record, recorded)
}

fn pool_wrapped() -> Contender {
    let registry = node0::registry(|builder| builder);
    let monitor = PoolMonitor::register(&registry).expect("it is the first");
    let pool = monitor.attach("main", &connections()).expect("it is the first");
    let record = move |_| drop(now(pool.get()).expect("there is a connection"));
    let recorded = move || monitor.metrics(&registry.read(), "main").map_or(0, |it| it.acquired);
    Contender::recording(WRAPPED_POOL, record, recorded)
}

fn pool_alone() -> Contender {
    let (pool, counted) = (connections(), node0::registry(|builder| builder));
    let counter = node0::counter_at(&counted, 0);
    let same = counter.clone();
    let record = move |_| {
        drop(now(pool.get()).expect("there is a connection"));
        counter.inc();
    };
    Contender::recording(POOL, record, move || same.total())
}

fn clock() -> Contender {
    let registry = node0::registry(|builder| builder);
    let counter = node0::counter_at(&registry, 0);
    let same = counter.clone();
    let record = move |_| {
        for _ in 0..READINGS {
            std::hint::black_box(registry.clock().now());
        }
        counter.inc();
    };
    Contender::recording(CLOCK, record, move || same.total())
}

struct Connector;

impl Manager for Connector {
    type Type = ();
    type Error = std::convert::Infallible;

    async fn create(&self) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Self::Error> {
        Ok(())
    }
}

fn connections() -> Connections<Connector> {
    Connections::builder(Connector).max_size(2).build().expect("it needs no runtime")
}

/// Returns the result of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nobody else has a connection"),
    }
}
