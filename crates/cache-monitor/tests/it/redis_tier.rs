//! The Redis tier on a real Redis: alive, gone, silent, and back.

use std::time::Duration;

use node0_cache_monitor::redis::{RedisTier, RedisTierError};
use node0_cache_monitor::{Operation, TierMetrics};
use node0_metrics_core::Registry;
use testbed::Deadline;
use testbed::redis::RedisServer;
use testbed::tools;

use crate::bench::number;
use crate::redis_pool::RedisPool;

/// Long enough for a busy machine to answer.
const PATIENT: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

struct Setup {
    registry: Registry,
    caches: node0_cache_monitor::CacheMonitor,
    tier: RedisTier<RedisPool>,
}

fn setup(server: &RedisServer, timeout: Duration) -> Setup {
    let registry = Registry::new();
    let caches = node0_cache_monitor::CacheMonitor::register(&registry).unwrap();
    let pool = RedisPool::patient(server, 2);
    let tier = RedisTier::new(caches.tier("demo", "L2").unwrap(), pool).timeout(timeout);
    Setup { registry, caches, tier }
}

impl Setup {
    fn metrics(&self) -> TierMetrics {
        self.caches.tier_metrics(&self.registry.read(), "L2").unwrap()
    }

    fn errors(&self, operation: Operation) -> Option<f64> {
        let labels = [("cache", "demo"), ("tier", "L2"), ("operation", operation.label())];
        number(&self.registry.read(), "cache_errors_total", &labels)
    }
}

#[tokio::test]
async fn entries_are_stored_found_and_removed() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let setup = setup(&server, PATIENT);
    let tier = &setup.tier;
    assert_eq!(tier.get("key").await.unwrap(), None);
    tier.set("key", b"value\0\xff", MINUTE).await.unwrap();
    assert_eq!(tier.get("key").await.unwrap().as_deref(), Some(&b"value\0\xff"[..]));
    tier.set_compressed("packed", b"12345", 50, MINUTE).await.unwrap();
    assert!(tier.delete("key").await.unwrap());
    assert!(!tier.delete("key").await.unwrap());
    let metrics = setup.metrics();
    assert_eq!((metrics.hits, metrics.misses), (1, 1));
    assert_eq!((metrics.sets, metrics.deletes, metrics.errors), (Some(2), Some(2), Some(0)));
    assert_eq!((metrics.raw_bytes, metrics.stored_bytes), (Some(57), Some(12)));
    assert_eq!((metrics.evictions, metrics.levels.entries, metrics.loads), (None, None, None));
}

#[tokio::test]
async fn entry_is_gone_after_its_time_whatever_that_is() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let setup = setup(&server, PATIENT);
    setup.tier.set("short", b"x", Duration::ZERO).await.unwrap();
    setup.tier.set("endless", b"x", Duration::MAX).await.unwrap();
    let deadline = Deadline::seconds(10);
    while setup.tier.get("short").await.unwrap().is_some() {
        assert!(!deadline.has_passed());
    }
    assert!(setup.tier.get("endless").await.unwrap().is_some());
}

#[tokio::test]
async fn dead_server_is_an_error_for_each_operation_and_never_a_miss() {
    let tool = testbed::require!(tools::redis());
    let mut server = RedisServer::start(&tool).unwrap();
    let setup = setup(&server, PATIENT);
    let tier = &setup.tier;
    tier.set("key", b"value", MINUTE).await.unwrap();
    server.kill().unwrap();
    for _ in 0..3 {
        let error = tier.get("key").await.unwrap_err();
        let is_typed = matches!(error, RedisTierError::Connection(_) | RedisTierError::Command(_));
        assert!(is_typed, "{error:?}");
    }
    assert!(tier.set("key", b"value", MINUTE).await.is_err());
    assert!(tier.delete("key").await.is_err());
    let metrics = setup.metrics();
    assert_eq!((metrics.hits, metrics.misses, metrics.errors), (0, 0, Some(5)));
    assert_eq!((metrics.sets, metrics.deletes), (Some(1), Some(0)));
    let errors = [Operation::Get, Operation::Set, Operation::Delete].map(|op| setup.errors(op));
    assert_eq!(errors, [Some(3.0), Some(1.0), Some(1.0)]);

    server.restart().unwrap();
    assert_eq!(tier.get("key").await.unwrap(), None);
    assert_eq!((setup.metrics().misses, setup.metrics().errors), (1, Some(5)));
}

#[tokio::test]
async fn silent_server_holds_no_caller_for_longer_than_the_timeout() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let short = Duration::from_millis(30);
    let setup = setup(&server, short);
    // The connections are there: it is the answers that are missing.
    while setup.tier.set("key", b"value", MINUTE).await.is_err() {}
    let before = setup.metrics().errors.unwrap();
    server.pause().unwrap();
    for _ in 0..4 {
        let error = setup.tier.get("key").await.unwrap_err();
        assert!(matches!(error, RedisTierError::Timeout { after } if after == short), "{error:?}");
        assert_eq!(error.to_string(), "redis did not answer within 30 ms");
    }
    server.resume().unwrap();
    assert_eq!(setup.metrics().errors, Some(before + 4));
    let deadline = Deadline::seconds(10);
    while setup.tier.get("key").await.is_err() {
        assert!(!deadline.has_passed());
    }
}

#[tokio::test]
async fn lookup_that_is_given_up_is_counted_as_that() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let setup = setup(&server, PATIENT);
    server.pause().unwrap();
    let given_up = tokio::time::timeout(Duration::ZERO, setup.tier.get("key")).await;
    assert!(given_up.is_err());
    server.resume().unwrap();
    let metrics = setup.metrics();
    assert_eq!((metrics.misses, metrics.errors, metrics.cancellations), (0, Some(0), Some(1)));
}
