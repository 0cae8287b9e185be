//! A cache's tier on a real Redis, over a pool that the pool monitor watches.

use std::time::Duration;

use node0::cache::redis::{RedisTier, RedisTierError};
use node0::{Monitoring, RedisPool, Testing};
use testbed::redis::RedisServer;
use testbed::tools;

/// Long enough for a busy machine to answer.
const PATIENT: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

fn tier(testing: &Testing, server: &RedisServer) -> RedisTier<RedisPool> {
    let patient = deadpool_redis::redis::AsyncConnectionConfig::new();
    let patient = patient.set_response_timeout(None).set_connection_timeout(None);
    let manager = deadpool_redis::Manager::new_with_config(server.url(), patient).unwrap();
    let builder = deadpool_redis::Pool::builder(manager).max_size(1);
    let pool = RedisPool(testing.database().build("redis", builder).unwrap());
    RedisTier::new(testing.cache().tier("demo", "L2").unwrap(), pool).timeout(PATIENT)
}

fn waits(testing: &Testing, outcome: &str) -> Option<f64> {
    testing.value("db_client_acquires_total", &[("pool", "redis"), ("outcome", outcome)])
}

#[tokio::test]
async fn each_operation_of_a_tier_is_a_wait_and_a_use_of_the_watched_pool() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let testing = Monitoring::testing();
    let tier = tier(&testing, &server);
    tier.set("key", b"value", MINUTE).await.unwrap();
    assert_eq!(tier.get("key").await.unwrap().as_deref(), Some(&b"value"[..]));
    assert!(tier.delete("key").await.unwrap());
    assert_eq!(waits(&testing, "acquired"), Some(3.0));
    let uses = testing.value("db_client_use_duration_seconds", &[("pool", "redis")]);
    assert_eq!(uses, Some(3.0));
    let gets = [("cache", "demo"), ("tier", "L2"), ("result", "hit")];
    assert_eq!(testing.value("cache_gets_total", &gets), Some(1.0));
}

#[tokio::test]
async fn failure_of_the_pool_is_an_error_of_the_tier_and_a_failed_wait() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let testing = Monitoring::testing();
    let tier = tier(&testing, &server);
    tier.source().0.pool().close();
    let error = tier.get("key").await.unwrap_err();
    let is_typed = matches!(error, RedisTierError::Connection(deadpool_redis::PoolError::Closed));
    assert!(is_typed, "{error:?}");
    assert_eq!(waits(&testing, "failed"), Some(1.0));
}

#[tokio::test]
async fn operation_that_waits_too_long_for_a_connection_is_a_cancelled_wait() {
    let tool = testbed::require!(tools::redis());
    let server = RedisServer::start(&tool).unwrap();
    let testing = Monitoring::testing();
    let tier = tier(&testing, &server).timeout(Duration::from_millis(30));
    let _held = tier.source().0.get().await.unwrap();
    let error = tier.get("key").await.unwrap_err();
    assert!(matches!(error, RedisTierError::Timeout { .. }), "{error:?}");
    assert_eq!(waits(&testing, "cancelled"), Some(1.0));
}
