//! A crate of others that emits through the `metrics` facade, on the page that we serve.
//!
//! The recorder is the whole process's, as in a service, so this is a process of its own.
#![cfg(feature = "metrics")]

use std::collections::BTreeMap;
use std::thread;

use node0::bridge::Recorder;
use node0::{Monitoring, serve};
use testbed::exposition::{self, Family};
use testbed::{http, tools};
use tokio::net::TcpListener;

/// The families of the crate itself, without those that this system cannot report.
const FAMILIES: [(&str, &str, &str); 8] = [
    ("theirs_process_cpu_seconds", "counter", "seconds"),
    ("theirs_process_max_fds", "gauge", ""),
    ("theirs_process_open_fds", "gauge", ""),
    ("theirs_process_resident_memory_bytes", "gauge", "bytes"),
    ("theirs_process_start_time_seconds", "gauge", "seconds"),
    ("theirs_process_threads", "gauge", ""),
    ("theirs_process_virtual_memory_bytes", "gauge", "bytes"),
    ("theirs_process_virtual_memory_max_bytes", "gauge", "bytes"),
];

// The test's own task may block: the app serves on other threads.
#[tokio::test(flavor = "multi_thread")]
async fn a_crate_that_emits_through_the_facade_is_on_the_page_that_is_fetched() {
    let parser = testbed::require!(tools::prometheus_client());
    let monitoring = Monitoring::builder().build().expect("a new registry has room");
    let recorder = Recorder::register(monitoring.registry()).expect("a registry with room");
    recorder.install().expect("it is the first");
    let routes = monitoring.routes().expect("the endpoints' metrics are new");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let app = tokio::spawn(serve(listener, monitoring.watch(routes)).run());

    // On a thread that knows nothing of us, and under names that the monitor of the process has not.
    let emits = thread::spawn(|| {
        let collector = metrics_process::Collector::new("theirs_");
        collector.describe();
        collector.collect();
        // Again under our names, which are refused.
        metrics_process::Collector::default().collect();
    });
    emits.join().expect("it emits");

    let accept = "application/openmetrics-text;version=1.0.0";
    let page = http::Request::get("/metrics").header("accept", accept).send(address);
    let page = page.expect("a page").text();
    let read = exposition::parse_openmetrics(&parser, &page).unwrap_or_else(|e| panic!("{e}"));
    let theirs = read.iter().filter(|family| family.name.starts_with("theirs_"));
    let heads: Vec<_> = theirs.map(|it| (&*it.name, &*it.kind, &*it.unit)).collect();
    assert_eq!(heads, FAMILIES);
    let by_name: BTreeMap<&str, &Family> = read.iter().map(|it| (&*it.name, it)).collect();
    // They have the start in whole seconds, counted from a boot in whole seconds.
    for (name, most) in [
        ("process_max_fds", 0.0),
        ("process_start_time_seconds", 3.0),
        ("process_resident_memory_bytes", 16e6),
    ] {
        let value = |name: &str| by_name[name].samples[0].value;
        let (theirs, ours) = (value(&format!("theirs_{name}")), value(name));
        assert!((theirs - ours).abs() <= most, "{name}: {theirs}, and we say {ours}");
    }
    let refused = by_name["node0_bridge_refused"].samples.iter();
    let refused = refused.filter(|sample| sample.labels["metric"] == "process_threads");
    assert_eq!(refused.map(|sample| &*sample.labels["reason"]).collect::<Vec<_>>(), ["name_taken"]);
    app.abort();
    monitoring.stop();
}
