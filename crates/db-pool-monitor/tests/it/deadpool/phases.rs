//! The parts of a wait, and what the pool does with its connections meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use node0_db_pool_monitor::deadpool::{MonitoredObject, MonitoredPool};
use node0_metrics_core::Sample;

use super::fake::{Fake, now, poll, pool_of, waiting};
use crate::bench::{Bench, POOL, ms, number, sum_millis};

/// Milliseconds and number of the permit, recycle and connect phases.
#[track_caller]
fn check_phases(sample: &Sample, expected: [(u32, u32); 3]) {
    let found = ["permit", "recycle", "connect"].map(|phase| {
        let (name, labels) = ("db_client_wait_phase_duration_seconds", [POOL, ("phase", phase)]);
        (sum_millis(sample, name, &labels).round() as u32, number(sample, name, &labels) as u32)
    });
    assert_eq!(found, expected);
}

/// Opened, recycled, and discarded for a failed recycle, a cancelled one, a take.
#[track_caller]
fn check_connections(sample: &Sample, opened: u32, recycled: u32, discarded: [u32; 3]) {
    let lost = ["recycle_failed", "cancelled", "taken"].map(|reason| {
        let labels = [POOL, ("reason", reason)];
        number(sample, "db_client_connections_discarded_total", &labels) as u32
    });
    let count = |name| number(sample, name, &[POOL]) as u32;
    let found = (
        count("db_client_connections_opened_total"),
        count("db_client_connections_recycled_total"),
        lost,
    );
    assert_eq!(found, (opened, recycled, discarded));
}

#[test]
fn phases_of_a_wait_add_up_to_the_whole() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    let held = bench.get_opened(&pool, &script);

    script.hold_recycles();
    let mut second = waiting(&pool);
    bench.pass(ms(100));
    drop(held);
    assert!(poll(second.as_mut()).is_pending());
    bench.pass(ms(7));
    script.let_recycle();
    assert!(now(second).is_ok());

    let sample = bench.tick();
    check_phases(&sample, [(100, 2), (7, 1), (30, 1)]);
    check_connections(&sample, 1, 1, [0, 0, 0]);
    let whole = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(whole.round(), 137.0);
}

#[test]
fn connection_that_fails_its_check_is_discarded_and_replaced() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 2);
    let held = [now(pool.get()).unwrap(), now(pool.get()).unwrap()];
    drop(held);
    script.breaks_recycles.store(2, Ordering::Relaxed);
    let _replaced = now(pool.get()).unwrap();
    let sample = bench.tick();
    check_connections(&sample, 3, 0, [2, 0, 0]);
    check_phases(&sample, [(0, 3), (0, 2), (0, 3)]);
}

#[test]
fn replaced_connection_is_seen_without_marks_too() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    script.marks.store(false, Ordering::Relaxed);
    drop(now(pool.get()).unwrap());
    script.breaks_recycles.store(1, Ordering::Relaxed);
    drop(now(pool.get()).unwrap());
    check_connections(&bench.tick(), 2, 0, [1, 0, 0]);
}

#[test]
fn caller_that_leaves_during_the_check_costs_the_pool_a_connection() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    drop(now(pool.get()).unwrap());
    script.hold_recycles();
    let next = waiting(&pool);
    bench.pass(ms(20));
    drop(next);
    let sample = bench.tick();
    check_connections(&sample, 1, 0, [0, 1, 0]);
    check_phases(&sample, [(0, 2), (20, 1), (0, 1)]);
    assert_eq!(number(&sample, "db_client_connections", &[POOL, ("state", "idle")]), 0.0);
}

#[test]
fn taken_connection_leaves_the_pool() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _ours = MonitoredObject::take(now(pool.get()).unwrap());
    let _next = now(pool.get()).unwrap();
    check_connections(&bench.tick(), 2, 0, [0, 0, 1]);
}

#[test]
fn wait_of_a_caller_that_gave_up_is_permit_time() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let next = waiting(&pool);
    bench.pass(ms(50));
    drop(next);
    check_phases(&bench.tick(), [(50, 2), (0, 0), (0, 1)]);
}

#[test]
fn time_before_an_unmarked_connect_belongs_to_no_phase() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    script.marks.store(false, Ordering::Relaxed);
    let _held = bench.get_opened(&pool, &script);
    drop(waiting(&pool));
    let sample = bench.tick();
    check_phases(&sample, [(0, 0), (0, 0), (0, 0)]);
    check_connections(&sample, 1, 0, [0, 0, 0]);
}

#[test]
fn callers_of_the_bare_pool_are_seen_by_what_the_pool_does() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    drop(now(pool.pool().get()).unwrap());
    let _held = now(pool.pool().get()).unwrap();
    let sample = bench.tick();
    check_connections(&sample, 1, 1, [0, 0, 0]);
    check_phases(&sample, [(0, 0), (0, 0), (0, 0)]);
    assert_eq!(number(&sample, "db_client_connections", &[POOL, ("state", "used")]), 1.0);
}

#[test]
fn attached_pool_has_no_series_of_what_it_cannot_know() {
    let mut bench = Bench::new();
    let bare = pool_of(1).0.build().unwrap();
    let pool = bench.monitor.attach("main", &bare).unwrap();
    drop(now(pool.get()).unwrap());
    let sample = bench.tick();
    let unknown = ["wait_phase", "opened", "recycled", "discarded"];
    let has_unknown = |name: &str| unknown.iter().any(|part| name.contains(part));
    let names = sample.snapshot.families().map(|family| family.desc.name.clone());
    assert_eq!(names.filter(|name| has_unknown(name)).count(), 0);
    assert_eq!(bench.monitor.metrics(&sample, "main").unwrap().hooks, None);
}

/// Asks another pool for each connection that it opens.
struct Tunnelled(Pool<Fake>, Arc<MonitoredPool<Fake>>);

impl Manager for Tunnelled {
    type Type = ();
    type Error = ();

    async fn create(&self) -> Result<(), ()> {
        // A bare pool with hooks, and a monitored one, both inside the outer wait.
        drop(self.0.get().await.map_err(drop)?);
        drop(self.1.get().await.map_err(drop)?);
        Ok(())
    }

    async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<()> {
        Ok(())
    }
}

#[test]
fn pool_that_is_asked_inside_anothers_wait_moves_its_own_trip_only() {
    let mut bench = Bench::new();
    let (bare, script) = bench.build("bare", 1);
    script.marks.store(false, Ordering::Relaxed);
    let (inner, _) = bench.build("inner", 1);
    let manager = Tunnelled(bare.pool().clone(), Arc::new(inner));
    let outer: MonitoredPool<Tunnelled> =
        bench.monitor.build("main", Pool::builder(manager)).unwrap();
    drop(now(outer.get()).unwrap());
    let sample = bench.tick();
    check_phases(&sample, [(0, 0), (0, 0), (0, 0)]);
    check_connections(&sample, 1, 0, [0, 0, 0]);
    let inner = [("pool", "inner"), ("phase", "connect")];
    assert_eq!(number(&sample, "db_client_wait_phase_duration_seconds", &inner), 1.0);
}
