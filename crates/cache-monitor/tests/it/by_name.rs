//! The request's calls by a tier's name.

use node0_cache_monitor::{EvictionCause, Operation, Size};
use node0_metrics_core::{CACHE_GETS, DEFAULT_CACHE};

use crate::bench::{Bench, ms, number};

#[test]
fn calls_of_the_request_count_what_they_say() {
    let bench = Bench::new();
    let monitor = &bench.monitor;
    monitor.record_hit("L1", "user:123", ms(2));
    monitor.record_miss("L1", "user:456", ms(5));
    monitor.record_set("L2", "product:789", ms(10), Size::Compressed { raw: 4096, stored: 1024 });
    monitor.record_set("L2", "product:790", ms(10), Size::Unknown);
    monitor.record_eviction("L1", "old:key", 512);

    let sample = bench.registry.read();
    let l1 = monitor.tier_metrics(&sample, "L1").unwrap();
    assert_eq!((l1.hits, l1.misses, l1.hit_rate_total), (1, 1, Some(0.5)));
    assert_eq!((l1.evictions, l1.evicted_bytes), (Some(1), Some(512)));
    assert_eq!(l1.evictions_by_cause.unwrap()[EvictionCause::Size], 1);
    let gets = monitor.latency_distribution(&sample, "L1", Operation::Get).unwrap();
    assert_eq!((gets.samples, gets.avg), (2, Some(std::time::Duration::from_micros(3500))));
    let l2 = monitor.tier_metrics(&sample, "L2").unwrap();
    assert_eq!((l2.sets, l2.compression_ratio), (Some(2), Some(4.0)));
    let sets = monitor.latency_distribution(&sample, "L2", Operation::Set).unwrap();
    assert_eq!(sets.samples, 2);
}

#[test]
fn key_makes_no_series() {
    let bench = Bench::new();
    for key in 0..2000 {
        bench.monitor.record_hit("L1", &format!("user:{key}"), ms(1));
    }
    let sample = bench.registry.read();
    assert_eq!(sample.snapshot.family("cache_gets_total").unwrap().series().len(), 2);
    assert_eq!(bench.metrics("L1").hits, 2000);
}

#[test]
fn name_and_handle_record_into_the_same_series() {
    let bench = Bench::new();
    let tier = bench.monitor.tier(DEFAULT_CACHE, "L1").unwrap();
    tier.hit(ms(1));
    bench.monitor.record_hit("L1", "key", ms(1));
    bench.monitor.record_set("L1", "key", ms(1), Size::Plain(10));
    tier.set(ms(1), Size::Plain(10));
    let labels = [("cache", DEFAULT_CACHE), ("tier", "L1"), ("result", "hit")];
    assert_eq!(number(&bench.registry.read(), "cache_gets_total", &labels), Some(2.0));
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.sets, metrics.stored_bytes), (Some(2), Some(20)));
}

#[test]
fn name_that_is_a_field_of_the_report_is_counted_as_other() {
    let bench = Bench::new();
    for name in ["timestamp", "health", "caches"] {
        bench.monitor.record_hit(name, "key", ms(1));
        bench.monitor.record_eviction(name, "key", 1);
    }
    assert_eq!(bench.monitor.layers(&bench.registry.read()), ["_other"]);
    assert_eq!(bench.metrics("_other").hits, 3);
}

#[test]
fn tier_that_others_name_like_a_field_of_the_report_is_on_pages_only() {
    let bench = Bench::new();
    let health = bench.registry.hit_ratio(&CACHE_GETS, &[DEFAULT_CACHE, "health"]).unwrap();
    health.hit();
    bench.monitor.record_hit("L1", "key", ms(1));
    let sample = bench.registry.read();
    let body = serde_json::to_string(&sample.report("cache", None).unwrap()).unwrap();
    assert_eq!(body.matches("\"health\":").count(), 1, "{body}");
    assert_eq!(bench.monitor.layers(&sample), ["L1"]);
    let labels = [("cache", DEFAULT_CACHE), ("tier", "health"), ("result", "hit")];
    assert_eq!(number(&sample, CACHE_GETS.name(), &labels), Some(1.0));
}

#[test]
fn flood_of_names_is_folded_and_counted() {
    let bench = Bench::new();
    for name in 0..1200 {
        bench.monitor.record_miss(&format!("tier {name}"), "key", ms(1));
    }
    let sample = bench.registry.read();
    let gets = sample.snapshot.family("cache_gets_total").unwrap();
    let total: f64 = gets.series().map(|(_, value)| value.as_f64()).sum();
    assert!(gets.series().len() <= 1001, "{} series", gets.series().len());
    assert_eq!(total, 1200.0);
}
