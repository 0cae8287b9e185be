//! Metrics that the registry cannot take are counted and do no harm.

use metrics::{counter, describe_gauge, gauge, histogram};
use node0_metrics_core::{Desc, Registry};

use crate::bench::{Bench, refusal};

#[test]
fn a_name_of_another_kind_is_counted_and_its_handle_does_nothing() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs").increment(1);
        for _ in 0..3 {
            gauge!("jobs").set(5.0);
            gauge!("jobs", "queue" => "mail").decrement(5.0);
            histogram!("jobs").record(5.0);
        }
        counter!("jobs").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(2.0));
    assert_eq!(bench.registry.read().snapshot.family("jobs").map(|family| family.desc.kind), None);
    // Once for each key.
    assert_eq!(bench.refused(), [refusal("jobs", "kind", 3)].into());
    let shown = "node0_bridge_refused_total{metric=\"jobs\",reason=\"kind\"} 3\n";
    assert!(bench.page(node0_exporter::Format::Text).contains(shown));
}

#[test]
fn a_label_key_that_the_name_lacks_is_refused() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs").increment(1);
        counter!("jobs", "queue" => "mail").increment(1);
        counter!("mails", "§" => "1").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(1.0));
    assert_eq!(
        bench.refused(),
        [refusal("jobs", "labels", 1), refusal("mails", "labels", 1)].into()
    );
}

#[test]
fn a_name_of_which_nothing_is_allowed_is_refused() {
    let bench = Bench::new();
    bench.record(|| counter!("::").increment(1));
    assert_eq!(bench.refused(), [refusal("::", "name", 1)].into());
}

#[test]
fn two_names_that_become_one_are_not_merged() {
    let bench = Bench::new();
    bench.record(|| {
        // Nor are they if one text describes both.
        describe_gauge!("a.b", "Both.");
        describe_gauge!("a_b", "Both.");
        gauge!("a.b").set(5.0);
        gauge!("a_b").set(7.0);
        histogram!("a:b").record(1.0);
    });
    assert_eq!(bench.number("a_b", &[]), Some(5.0));
    let expected = [refusal("a_b", "name_taken", 1), refusal("a:b", "name_taken", 1)];
    assert_eq!(bench.refused(), expected.into());
}

#[test]
fn the_hosts_own_metrics_are_not_touched() {
    const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
    let bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    bench.record(|| counter!("jobs").increment(1));
    assert_eq!(jobs.total(), 0);
    assert_eq!(bench.refused(), [refusal("jobs", "name_taken", 1)].into());
}

#[test]
fn a_registry_without_room_for_another_name_refuses_it() {
    let own = Registry::new().read().snapshot.families().len();
    // One for what is refused, and one for the jobs.
    let bench = Bench::with(Registry::builder().max_families(own + 2), |recorder| recorder);
    bench.record(|| {
        counter!("::").increment(1);
        counter!("jobs").increment(1);
        counter!("mails").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(1.0));
    let expected = [refusal("::", "name", 1), refusal("mails", "registry_full", 1)];
    assert_eq!(bench.refused(), expected.into());
}

#[test]
fn a_flood_of_label_values_is_folded_and_loses_nothing() {
    let registry = Registry::builder().max_scalars_per_family(50).window_samples(1);
    let mut bench = Bench::with(registry, |recorder| recorder.max_series_per_name(100));
    for n in 0..5_000 {
        bench.record(|| counter!("visits", "path" => format!("/{n}")).increment(1));
        if n % 500 == 0 {
            bench.tick();
        }
    }
    let sample = bench.tick();
    let family = sample.snapshot.family("visits_total").unwrap();
    assert_eq!(family.series().len(), 51);
    assert_eq!(family.series().map(|(_, value)| value.as_f64()).sum::<f64>(), 5000.0);
    let folded = bench.number("node0_series_folded_total", &[("metric", "visits_total")]);
    assert_eq!(folded, Some(4950.0));
}

#[test]
fn the_recorders_own_caps_fold_as_the_registrys_do() {
    let bench = Bench::with(Registry::builder(), |recorder| recorder.max_series(3));
    bench.record(|| {
        for n in 0..10 {
            counter!("visits", "path" => n.to_string()).increment(1);
        }
        gauge!("depth").set(1.0);
        counter!("visits", "path" => "0").increment(1);
    });
    assert_eq!(bench.number("visits_total", &[("path", "_other")]), Some(7.0));
    assert_eq!(bench.number("visits_total", &[("path", "0")]), Some(2.0));
    assert_eq!(bench.number("depth", &[]), Some(1.0));
}

#[test]
fn a_counter_whose_openmetrics_name_is_a_gauge_is_refused() {
    const JOBS: Desc = Desc::gauge("jobs", "Jobs that run.");
    let bench = Bench::new();
    let _jobs = bench.registry.gauge(&JOBS, &[]).unwrap();
    bench.record(|| counter!("jobs").increment(1));
    assert_eq!(bench.refused(), [refusal("jobs", "name_taken", 1)].into());
}
