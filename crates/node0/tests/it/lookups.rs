//! Lookups of a cache tier, recorded by name at the performance monitor and at the cache monitor.

use std::time::Duration;

use node0::{DEFAULT_CACHE, Exporter, Format, Monitoring, Naming, Testing};
use serde_json::Value;

/// Three hits and a miss, by both ways of recording.
fn recorded() -> Testing {
    let mut testing = Monitoring::testing();
    testing.performance().record_cache_hit("L1");
    testing.performance().record_cache_hit("L1");
    testing.performance().record_cache_miss("L1");
    testing.cache().record_hit("L1", "user:123", Duration::from_millis(2));
    testing.advance(Duration::from_secs(1));
    testing
}

fn report(testing: &Testing, topic: &str) -> Value {
    let report = testing.sample().report(topic, None).unwrap();
    serde_json::to_value(&report).unwrap()
}

#[test]
fn both_ways_of_recording_make_one_total_on_one_page() {
    let page = recorded().export();
    let is_of_tier = |line: &&str| line.contains("tier=\"L1\"") && line.contains("result=");
    let lines: Vec<_> = page.lines().filter(is_of_tier).collect();
    let expected = [
        "cache_gets_total{cache=\"default\",result=\"hit\",tier=\"L1\"} 3",
        "cache_gets_total{cache=\"default\",result=\"miss\",tier=\"L1\"} 1",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn both_ways_of_recording_make_one_hit_rate_under_classic_names() {
    let mut page = Vec::new();
    Exporter::new().render(&recorded().sample(), Format::Text, Naming::Classic, &mut page);
    let page = String::from_utf8(page).unwrap();
    let rates: Vec<_> =
        page.lines().filter(|line| line.starts_with("cache_L1_hit_rate ")).collect();
    assert_eq!(rates.len(), 1, "{page}");
    assert!(rates[0].starts_with("cache_L1_hit_rate 0.75 "), "{page}");
}

#[test]
fn both_reports_list_the_tier_with_all_its_lookups() {
    let testing = recorded();
    testing.performance().record_cache_miss("L2");
    let cache = report(&testing, "cache");
    assert_eq!(
        (&cache["L1"]["metrics"]["hits"], &cache["L1"]["metrics"]["misses"]),
        (&3.into(), &1.into())
    );
    assert_eq!(cache["L2"]["metrics"]["misses"], 1);
    assert_eq!(testing.cache().layers(&testing.sample()), ["L1", "L2"]);
    let performance = report(&testing, "performance");
    assert_eq!(performance["cache"]["L1"]["hits"], 3);
    assert_eq!(testing.performance().cache_hit_rate("L1"), Some(0.75));
}

#[test]
fn handles_of_either_monitor_share_the_series() {
    let testing = Monitoring::testing();
    let tier = testing.cache().tier(DEFAULT_CACHE, "L1").unwrap();
    tier.hit(Duration::from_millis(1));
    testing.performance().cache("L1").unwrap().hit();
    let labels = [("cache", "default"), ("tier", "L1"), ("result", "hit")];
    assert_eq!(testing.value("cache_gets_total", &labels), Some(2.0));
    let orders = testing.cache().tier("orders", "L1").unwrap();
    orders.miss(Duration::from_millis(1));
    assert_eq!(testing.performance().cache_hit_rate("L1"), Some(1.0), "of another cache");
}
