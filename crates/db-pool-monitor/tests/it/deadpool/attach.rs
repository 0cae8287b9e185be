//! Attaching pools: names, refusals, and the ends of pools.

use deadpool::managed::{BuildError, Pool};
use node0_db_pool_monitor::deadpool::BuildPoolError;
use node0_db_pool_monitor::{DESCS, PoolMonitor};
use node0_metrics_core::{Desc, InstanceError, RegisterError};
use std::time::Duration;

use super::fake::{Fake, now, pool_of};
use crate::bench::{Bench, number};

fn bare() -> Pool<Fake> {
    pool_of(1).0.build().unwrap()
}

#[test]
fn registry_has_one_pool_monitor() {
    let bench = Bench::new();
    let second = PoolMonitor::register(&bench.registry).unwrap_err();
    assert_eq!(second, RegisterError::DuplicateTopic { topic: "database" });
}

#[test]
fn name_means_one_living_pool() {
    let bench = Bench::new();
    let first = bare();
    let _monitored = bench.monitor.attach("main", &first).unwrap();
    let error = bench.monitor.attach("main", &bare()).unwrap_err();
    assert!(matches!(error, InstanceError::Duplicate { ref name, .. } if name == "main"));
    let remedy = "pool `main` is watched already: clone its handle or choose another name";
    assert_eq!(error.to_string(), remedy);
    assert!(bench.monitor.attach("other", &bare()).is_ok());
}

#[test]
fn pool_has_one_name() {
    let bench = Bench::new();
    let pool = bare();
    let monitored = bench.monitor.attach("main", &pool).unwrap();
    for same in [&pool, &pool.clone(), monitored.pool()] {
        let error = bench.monitor.attach("again", same).unwrap_err();
        let remedy = "pool `again` is watched already, as `main`: use what watches that one";
        assert_eq!(error.to_string(), remedy);
    }
    let built = bench.monitor.build("built", pool_of(1).0).unwrap();
    let error = bench.monitor.attach("again", built.pool()).unwrap_err();
    assert!(matches!(error, InstanceError::SameResource { ref first, .. } if first == "built"));
    assert_eq!(bench.monitor.totals(&bench.registry.read()).max_connections, Some(2));

    pool.close();
    let reopened = bench.monitor.attach("again", &bare());
    assert!(reopened.is_ok(), "the pool is another one: {reopened:?}");
}

#[test]
fn name_that_cannot_be_a_label_of_one_pool_is_refused() {
    let bench = Bench::new();
    for name in ["", "_other", "line\nbreak", &"x".repeat(257)] {
        let error = bench.monitor.attach(name, &bare()).unwrap_err();
        assert!(matches!(error, InstanceError::Name { name: ref refused, .. } if refused == name));
    }
    assert!(bench.monitor.pools().is_empty());
    assert!(bench.monitor.attach(&"x".repeat(256), &bare()).is_ok());
}

#[test]
fn taken_metric_name_refuses_the_pool() {
    const OTHERS: Desc = Desc::up_down("db_client_connections", "Somebody else's.");
    let bench = Bench::new();
    let _others = bench.registry.up_down(&OTHERS, &[]).unwrap();
    let error = bench.monitor.attach("main", &bare()).unwrap_err();
    let InstanceError::Register { source, .. } = error else {
        panic!("{error:?}");
    };
    assert!(matches!(source, RegisterError::Conflict { .. }), "{source:?}");
}

#[test]
fn pool_that_cannot_be_built_is_not_attached() {
    let bench = Bench::new();
    let without_runtime = pool_of(1).0.wait_timeout(Some(Duration::from_secs(1)));
    let error = bench.monitor.build("main", without_runtime).unwrap_err();
    assert!(matches!(error, BuildPoolError::Build(BuildError::NoRuntimeSpecified)));
    assert!(bench.monitor.pools().is_empty());
}

#[test]
fn name_that_is_taken_refuses_a_pool_that_would_be_built() {
    let bench = Bench::new();
    let _first = bench.monitor.attach("main", &bare()).unwrap();
    let error = bench.monitor.build("main", pool_of(1).0).unwrap_err();
    assert!(
        matches!(error, BuildPoolError::Instance(InstanceError::Duplicate { .. })),
        "{error:?}"
    );
    let remedy = "pool `main` is watched already: clone its handle or choose another name";
    assert_eq!(error.to_string(), remedy);
}

#[test]
fn dropped_pool_takes_its_series_along_and_frees_its_name() {
    let mut bench = Bench::new();
    let pool = bench.monitor.build("main", pool_of(1).0).unwrap();
    drop(now(pool.get()).unwrap());
    assert_eq!(number(&bench.tick(), "db_client_connections_max", &[("pool", "main")]), 1.0);
    drop(pool);
    bench.tick();
    let sample = bench.tick();
    let left = sample.snapshot.families().filter(|family| family.desc.name.starts_with("db_"));
    assert_eq!(left.count(), 0);
    assert!(bench.monitor.metrics(&sample, "main").is_none());
    assert!(bench.monitor.attach("main", &bare()).is_ok());
}

#[test]
fn closed_pool_leaves_no_levels_and_frees_its_name() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    drop(now(pool.get()).unwrap());
    bench.tick();
    pool.pool().close();
    assert!(bench.monitor.pools().is_empty());
    bench.tick();
    assert!(now(pool.get()).is_err());
    let sample = bench.tick();
    let left = |name| sample.snapshot.value(name, &[("pool", "main")]).is_some();
    assert!(!left("db_client_connections_max") && !left("db_client_oldest_use_age_seconds"));
    assert!(left("db_client_wait_duration_seconds"), "its callers are still counted");
    assert!(bench.monitor.attach("main", &bare()).is_ok());
}

#[test]
fn pool_that_is_gone_leaves_no_levels_behind_with_a_leaked_connection() {
    let mut bench = Bench::new();
    let pool = bench.monitor.build("main", pool_of(1).0).unwrap();
    let leaked = now(pool.get()).unwrap();
    bench.tick();
    drop(pool);
    bench.tick();
    let sample = bench.tick();
    let left = |name| sample.snapshot.value(name, &[("pool", "main")]);
    for level in ["db_client_connections_max", "db_client_oldest_use_age_seconds"] {
        assert!(left(level).is_none(), "{level}");
    }
    assert!(left("db_client_use_duration_seconds").is_some());
    assert!(bench.monitor.pools().is_empty());
    drop(leaked);
}

#[test]
fn every_description_has_its_series_from_the_start() {
    let mut bench = Bench::new();
    let _pool = bench.build("main", 1);
    let sample = bench.tick();
    let found: Vec<_> = sample
        .snapshot
        .families()
        .filter(|family| family.desc.name.starts_with("db_client_"))
        .map(|family| (family.desc.name.to_string(), family.series().len()))
        .collect();
    let mut expected: Vec<_> = DESCS
        .iter()
        .map(|desc| {
            let series = match desc.label_keys() {
                ["pool"] => 1,
                ["pool", "state"] => 2,
                ["pool", "outcome"] => 4,
                ["pool", "phase"] if desc.name() == "db_client_timeouts_total" => 2,
                ["pool", "phase" | "reason"] => 3,
                other => panic!("unexpected labels {other:?}"),
            };
            (desc.name().to_owned(), series)
        })
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn unattached_name_has_no_numbers() {
    let mut bench = Bench::new();
    let _pool = bench.build("main", 1);
    let sample = bench.tick();
    assert!(bench.monitor.metrics(&sample, "else").is_none());
    assert!(bench.monitor.rates(&sample, "else").is_none());
    assert!(bench.monitor.assess(&sample, "else").is_none());
}
