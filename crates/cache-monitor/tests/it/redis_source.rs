//! Where a tier's connections come from: a pool that is exhausted or closed, a shared connection.

use std::time::Duration;

use deadpool_redis::PoolError;
use node0_cache_monitor::redis::{ConnectionSource, RedisTier, RedisTierError};
use node0_cache_monitor::{Operation, Tier};
use redis::aio::{ConnectionManager, MultiplexedConnection};
use testbed::Deadline;
use testbed::redis::RedisServer;
use testbed::tools;
use tokio::time::timeout;

use crate::bench::{Bench, number};
use crate::redis_pool::RedisPool;

/// Long enough for a busy machine to answer.
const PATIENT: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

fn tier(bench: &Bench) -> Tier {
    bench.monitor.tier("demo", "L2").unwrap()
}

fn errors(bench: &Bench, operation: Operation) -> Option<f64> {
    let labels = [("cache", "demo"), ("tier", "L2"), ("operation", operation.label())];
    number(&bench.registry.read(), "cache_errors_total", &labels)
}

#[tokio::test]
async fn deadline_covers_the_wait_for_a_connection() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let bench = Bench::new();
    let short = Duration::from_millis(30);
    let tier = RedisTier::new(tier(&bench), RedisPool::patient(&server, 1)).timeout(short);
    let _held = tier.source().connection().await.unwrap();
    let error = timeout(PATIENT, tier.get("key")).await.unwrap().unwrap_err();
    assert!(matches!(error, RedisTierError::Timeout { after } if after == short), "{error:?}");
    assert_eq!(errors(&bench, Operation::Get), Some(1.0));
    assert_eq!(bench.metrics("L2").misses, 0);
}

#[tokio::test]
async fn reason_why_there_is_no_connection_is_the_sources_own() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let bench = Bench::new();
    let tier = RedisTier::new(tier(&bench), RedisPool::patient(&server, 1)).timeout(PATIENT);
    tier.source().pool().close();
    let error = tier.set("key", b"value", MINUTE).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no connection to redis");
    assert!(matches!(error, RedisTierError::Connection(PoolError::Closed)), "{error:?}");
    assert_eq!(errors(&bench, Operation::Set), Some(1.0));
}

#[tokio::test]
async fn one_connection_serves_all_operations() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let bench = Bench::new();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let tier: RedisTier<MultiplexedConnection> =
        RedisTier::new(tier(&bench), connection).timeout(PATIENT);
    let (one, other) = tokio::join!(tier.set("a", b"1", MINUTE), tier.set("b", b"2", MINUTE));
    one.unwrap();
    other.unwrap();
    let (one, other) = tokio::join!(tier.get("a"), tier.get("c"));
    assert_eq!(one.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(other.unwrap(), None);
    let metrics = bench.metrics("L2");
    assert_eq!((metrics.hits, metrics.misses, metrics.sets), (1, 1, Some(2)));
}

#[tokio::test]
async fn managed_connection_comes_back_with_its_server() {
    let tool = testbed::require!(tools::redis());
    let mut server = RedisServer::start(&tool).unwrap();
    let bench = Bench::new();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    let tier: RedisTier<ConnectionManager> = RedisTier::new(tier(&bench), connection);
    server.kill().unwrap();
    let error = tier.get("key").await.unwrap_err();
    let is_error = matches!(error, RedisTierError::Command(_) | RedisTierError::Timeout { .. });
    assert!(is_error, "{error:?}");
    server.restart().unwrap();
    let deadline = Deadline::seconds(20);
    while tier.get("key").await.is_err() {
        assert!(!deadline.has_passed());
    }
    assert!(errors(&bench, Operation::Get) >= Some(1.0));
    assert_eq!(bench.metrics("L2").misses, 1);
}
