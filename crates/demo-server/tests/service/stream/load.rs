//! Hundreds of clients in another process, thousands under `cargo xtask prove streams`.
//!
//! The tests of this module run one after the other, since each measures the whole machine.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use stream_load::{Behaviour, Elsewhere, Plan, Report, raise_descriptor_limit};
use testbed::Deadline;
use testbed::deadline::{Stopwatch, pause};
use testbed::http::{self, Request};
use testbed::process::Signal;
use testbed::prove::{self, Length};

use crate::demo::Demo;

/// The query of the clients whose updates have more than 4 KiB.
const ALL: &str = "/metrics/stream";
/// The topics that were encoded, and the streams that ended.
const ENCODED: &str = "node0_stream_topics_encoded_total";
const CLOSED: &str = "node0_stream_closed_total";
/// 99 of 100 updates are there before the next one. The bench has a budget for an optimised build
/// on a quiet machine.
const DELIVERY_P99_MILLIS: f64 = 1000.0;
/// A client that does not read may hold as much: 64 KiB and a message in the process, 64 KiB in the
/// system's buffer, which counts the memory of its packets about twice.
const STALLED_BYTES: u64 = 256 << 10;
/// The time until a client that does not read is closed: until the buffers are full, and 5 s.
const STALLED_SECONDS: u64 = 45;

/// Lets one test run at a time.
fn alone() -> MutexGuard<'static, ()> {
    static SOLE: Mutex<()> = Mutex::new(());
    SOLE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn plays_the_clients() {
    stream_load::play().unwrap_or_else(|error| panic!("{error}"));
}

/// Starts clients in a process of their own.
fn start_clients(plan: &Plan) -> Elsewhere {
    let started = Elsewhere::start(plan, "stream::load::plays_the_clients");
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn report(clients: Elsewhere) -> Report {
    clients.report().unwrap_or_else(|error| panic!("{error}"))
}

/// Starts a demo that has enough descriptors, and traffic.
fn start(clients: usize) -> Demo {
    raise_descriptor_limit(clients as u64 + 500).unwrap_or_else(|error| panic!("{error}"));
    let demo = Demo::start(&[]);
    // Every series that a report shows exists.
    demo.order();
    demo
}

/// Returns the sum of the demo's series of this name whose labels contain a text.
fn metric(demo: &Demo, name: &str, labels: &str) -> f64 {
    let page = demo.get("/metrics?naming=standard").text();
    let of_name = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(labels))
    };
    let values = page.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<f64>().expect("a number")).sum()
}

/// Returns the resident memory of the demo and the bytes in the system's buffers of its sockets.
fn memory(demo: &Demo) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", demo.process.pid()));
    let status = status.expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = resident.and_then(|it| it.split_whitespace().next()?.parse().ok()).expect("KiB");
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the table of sockets");
    let port = format!(":{:04X}", demo.address.port());
    let queued = sockets.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let is_of_demo = fields.next()?.ends_with(&port);
        let queues = fields.nth(2)?;
        let (waiting, _) = queues.split_once(':')?;
        is_of_demo.then(|| u64::from_str_radix(waiting, 16).ok()).flatten()
    });
    kib * 1024 + queued.sum::<u64>()
}

/// Sends the demo an order from time to time, so that every topic changes, until it is dropped.
struct Traffic {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    fn start(address: SocketAddr) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let thread = thread::spawn(move || {
            let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
            let order = Request::new("POST", "/orders").json(&order);
            while !seen.load(Ordering::Relaxed) {
                // The demo may be stopping.
                let _ = order.send(address);
                pause(Duration::from_millis(100));
            }
        });
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Asserts that each client had each update, once, in order, and the same as the others.
#[track_caller]
fn assert_complete(report: &Report, clients: usize) {
    assert_eq!((report.connected, report.refused.len()), (clients, 0), "{report:#?}");
    assert!(report.closed.is_empty(), "{report:#?}");
    let faults = (report.lost, report.out_of_order, report.unequal, report.missed);
    assert_eq!(faults, (0, 0, 0, 0), "{report:#?}");
    assert!(report.smallest >= 4096, "{report:#?}");
    assert!(report.latency.p99 <= DELIVERY_P99_MILLIS, "{report:#?}");
}

fn figures(name: &str, figures: &Value) {
    prove::report(&json!({ name: figures })).expect("figures");
}

#[test]
fn each_client_has_each_update_once_in_order_and_each_topic_is_encoded_once() {
    let _alone = alone();
    let (clients, millis) = Length::of_this_run().pick((200, 10_000), (1000, 60_000));
    let demo = start(clients);
    let _traffic = Traffic::start(demo.address);
    let mut plan = Plan::new(demo.address, ALL, clients, millis);
    plan.paths.push(format!("{ALL}?metrics=cache,circuit-breaker,database,performance,system"));
    let topics = 6.0;
    let running = start_clients(&plan);
    let before = metric(&demo, ENCODED, "");
    let report = report(running);
    let encoded = metric(&demo, ENCODED, "") - before;
    let expected = report.passes as f64 * topics;
    figures("thousand", &json!({ "clients": report, "encoded": encoded, "expected": expected }));
    assert_complete(&report, clients);
    // A pass may lie between the start of the clients' time and the test's first look.
    assert!((encoded - expected).abs() <= topics, "{encoded} instead of {expected}");
}

#[test]
fn ten_thousand_clients_have_each_update_in_time() {
    let _alone = alone();
    let (clients, millis) = Length::of_this_run().pick((500, 3_000), (10_000, 30_000));
    let demo = start(clients);
    let _traffic = Traffic::start(demo.address);
    let plan = Plan::new(demo.address, ALL, clients, millis);
    let report = report(start_clients(&plan));
    figures("tenThousand", &json!(report));
    assert_complete(&report, clients);
}

#[test]
fn clients_that_never_read_are_bounded_closed_and_disturb_nobody() {
    let _alone = alone();
    let (clients, stalled, millis) =
        Length::of_this_run().pick((100, 50, 5_000), (1000, 500, 20_000));
    let demo = start(clients + stalled);
    let _traffic = Traffic::start(demo.address);
    // The same rate of passes as with the others.
    let fast = format!("{ALL}?metrics=cache,database,performance,runtime,system&interval=100");
    let pace = start_clients(&Plan::new(demo.address, &fast, 1, 600_000));
    let readers = Plan::new(demo.address, ALL, clients, millis);
    let without = report(start_clients(&readers));
    assert_complete(&without, clients);

    let before = memory(&demo);
    let stall = Plan {
        behaviour: Behaviour::Stall,
        receive_buffer: Some(4096),
        ..Plan::new(demo.address, &fast, stalled, 600_000)
    };
    let watch = Stopwatch::start();
    let stalling = start_clients(&stall);
    let reading = start_clients(&readers);
    let mut most = 0;
    let closed = Deadline::seconds(STALLED_SECONDS).poll(|| {
        most = most.max(memory(&demo));
        let closed = metric(&demo, CLOSED, "reason=\"stalled\"");
        pause(Duration::from_millis(100));
        (closed as usize >= stalled).then(|| watch.elapsed().as_secs_f64())
    });
    let with = report(reading);
    let each = most.saturating_sub(before) / stalled as u64;
    figures(
        "stalled",
        &json!({
            "bytesForEach": each, "seconds": closed, "p99Without": without.latency.p99, "with": with,
        }),
    );
    assert!(closed.is_some(), "{} are closed", metric(&demo, CLOSED, ""));
    assert!(each <= STALLED_BYTES, "{each} bytes for each client");
    assert_complete(&with, clients);
    // A short run has other tests beside it, and a difference that is smaller is their noise.
    let least = Length::of_this_run().pick(100.0, 10.0);
    let allowed = 2.0 * without.latency.p99.max(least);
    assert!(with.latency.p99 <= allowed, "{with:#?} instead of {allowed} ms");
    drop((stalling, pace));
}

#[test]
fn clients_that_flood_pings_are_bounded_and_closed() {
    let _alone = alone();
    let flooders = Length::of_this_run().pick(20, 200);
    let demo = start(flooders);
    let before = memory(&demo);
    let flood = Plan {
        behaviour: Behaviour::FloodPings,
        receive_buffer: Some(4096),
        ..Plan::new(demo.address, ALL, flooders, 600_000)
    };
    let running = start_clients(&flood);
    let mut most = 0;
    let all_closed = Deadline::seconds(20).until(|| {
        most = most.max(memory(&demo));
        metric(&demo, CLOSED, "reason=\"flood\"") as usize >= flooders
    });
    let each = most.saturating_sub(before) / flooders as u64;
    figures("pings", &json!({ "bytesForEach": each }));
    assert!(all_closed, "{} are closed", metric(&demo, CLOSED, ""));
    assert!(each <= STALLED_BYTES, "{each} bytes for each client");
    drop(running);
}

#[test]
fn a_service_that_stops_closes_every_stream_and_answers_every_scrape() {
    let _alone = alone();
    let mut demo = Demo::start(&["--drain", "2s"]);
    let plan = Plan::new(demo.address, ALL, 200, 4_000);
    let running = start_clients(&plan);
    let address = demo.address;
    let scrapes: Vec<_> = (0..50)
        .map(|_| thread::spawn(move || http::get(address, "/metrics").map(|page| page.status)))
        .collect();
    demo.process.signal(Signal::TERM).expect("it runs");
    let status = demo.process.wait(Deadline::seconds(7)).expect("it ends within drain and 5 s");
    assert!(status.success(), "{}", demo.process.stderr());
    for scrape in scrapes {
        let answer = scrape.join().expect("no panic");
        assert!(matches!(answer, Ok(200)), "{answer:?}");
    }
    let report = report(running);
    assert_eq!(report.closed, [(1001, 200)].into(), "{report:#?}");
    assert!(!demo.process.stderr().contains("panicked"), "{}", demo.process.stderr());
}
