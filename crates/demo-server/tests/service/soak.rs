//! A long time of load with faults, after which every number is still true and nothing has grown.
//!
//! In each step another of the demo's faults is on, and the database is well, killed or frozen in
//! turns; three and five have no common factor, so a round of 15 steps has each fault with each state.
//! After each round the load pauses and all equations between the counters and the load's own ledger
//! must be exact. Postgres and Redis are processes of their own, so that the demo's memory is its own.

mod database;
mod equations;
mod ledger;
mod page;

use std::fs;
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use node0_demo::chaos::Fault;
use serde_json::json;
use testbed::deadline::{Stopwatch, pause};
use testbed::http::Request;
use testbed::prove::{self, Length};
use testbed::redis::RedisServer;
use testbed::{Deadline, tools};

use crate::demo::{Demo, command};

use self::database::{Database, Outage};
use self::ledger::Ledger;
use self::page::Page;

/// The threads of the load, and the time in which each places an order and reads it.
const THREADS: u32 = 8;
const PERIOD: Duration = Duration::from_millis(250);
const READS: u32 = 4;
/// The clients that keep a connection, and the time between two requests of theirs.
const IDLE_CLIENTS: usize = 50;
const IDLE: Duration = Duration::from_secs(30);
/// The time after which the runtime has ended the threads that were idle.
const SETTLED: Duration = Duration::from_secs(11);
/// The most threads for calls into guests that stay for the next call.
const IDLE_GUESTS: usize = 4;
/// The most threads for blocking work that the runtime may keep beyond those of the start: it wakes
/// them in turns, so that a little work keeps several.
const IDLE_WORKERS: usize = 4;
/// The most by which resident memory may vary between rounds, as a share.
const FLAT: f64 = 0.02;
/// The setting that gives the demo one arena of malloc, and not one for each of some threads.
///
/// Each arena keeps the free memory of its own busiest moment, so resident memory grows until each
/// had one: 14 arenas of 15 MB had 5 MB free after 18 minutes.
const ALLOCATOR: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// The time after which the history is full, before the rounds that are compared: until then it grows.
const FULL_AFTER: &str = "5m";

/// The length of the parts of the test.
struct Plan {
    rounds: usize,
    steps: usize,
    step: Duration,
    outage: Duration,
    /// The rounds in which memory still fills.
    filling: usize,
}

const SHORT: Plan = Plan {
    rounds: 1,
    steps: 3,
    step: Duration::from_secs(3),
    outage: Duration::from_millis(1500),
    filling: 1,
};
/// The outage is longer than an order waits for the database.
const LONG: Plan = Plan {
    rounds: 6,
    steps: 15,
    step: Duration::from_secs(20),
    outage: Duration::from_secs(8),
    filling: 2,
};

/// The values that the scrapes of a second each saw.
#[derive(Default)]
struct Watch {
    last: Page,
    /// The counters that fell between two pages.
    fallen: Vec<String>,
    /// The demo's resident bytes in each round.
    resident: Vec<Vec<u64>>,
    /// The bytes of the history and of recording at the end of each round.
    held: Vec<[f64; 2]>,
}

#[test]
fn counters_equal_the_ledger_of_the_load_through_all_faults_and_nothing_grows() {
    let postgres = testbed::require!(tools::postgres());
    let redis = testbed::require!(tools::redis());
    let plan = Length::of_this_run().pick(SHORT, LONG);
    let redis = RedisServer::start(&redis).expect("redis starts");
    let mut database = Database::start(&postgres);
    let stores = ["--database", &database.url(), "--redis", &redis.url()];
    let mut command = command(&[&stores[..], &["--history-keep", FULL_AFTER]].concat());
    command.env(ALLOCATOR.0, ALLOCATOR.1);
    let demo = Demo::spawn(command);
    let ledger = Ledger::of(demo.address);
    let mut watch = Watch::default();
    pause(Length::of_this_run().pick(Duration::ZERO, SETTLED));
    let before = at_rest(&demo, &scrape(&ledger));
    let rounds: Vec<_> = thread::scope(|scope| {
        // It is dropped after the last round, or if one panics.
        let (_running, ended) = mpsc::channel();
        let ledger = &ledger;
        scope.spawn(move || idle_clients(ledger, &ended));
        let rounds =
            (0..plan.rounds).map(|_| round(&plan, &demo, &mut database, ledger, &mut watch));
        rounds.collect()
    });
    // A connection to the payments that is idle is closed at the next one's need, or after minutes.
    let spare = Length::of_this_run().pick(2 * u64::from(THREADS), 0);
    let mut after = before.clone();
    let returned = (0..Length::of_this_run().pick(3, 20)).any(|_| {
        pause(SETTLED);
        after = at_rest(&demo, &scrape(&ledger));
        after.descriptors <= before.descriptors + spare
            && after.threads == before.threads
            && after.guests <= IDLE_GUESTS
            && after.workers <= before.workers + IDLE_WORKERS
    });
    let medians: Vec<_> = watch.resident.iter().map(|samples| median(samples)).collect();
    let late = medians.get(plan.filling..).unwrap_or_default();
    let spread = spread(late);
    let threads = [&before, &after].map(|it| [it.threads.len(), it.guests, it.workers]);
    prove::report(&json!({
        "answers": ledger.answers().map(|answers| answers.lines()).unwrap_or_default(),
        "median_resident_bytes_by_round": medians,
        "spread_of_the_last_twenty_minutes": spread,
        "descriptors": [before.descriptors, after.descriptors],
        "bytes_of_history_and_recording_by_round": watch.held,
        "threads_and_those_of_guests_and_the_runtime": threads,
        "broken_equations": rounds,
        "fallen_counters": watch.fallen,
    }))
    .expect("the figures can be written");
    assert!(rounds.iter().all(Vec::is_empty), "{rounds:#?}");
    assert!(watch.fallen.is_empty(), "{:#?}", watch.fallen);
    assert!(returned, "{before:?} before, {after:?} after");
    assert!(spread <= FLAT, "resident memory by round: {medians:?}");
}

/// Runs the load through the steps of a round, and returns the equations that do not hold after it.
fn round(
    plan: &Plan,
    demo: &Demo,
    database: &mut Database,
    ledger: &Ledger,
    watch: &mut Watch,
) -> Vec<String> {
    let length = plan.step * u32::try_from(plan.steps).expect("few steps");
    watch.resident.push(Vec::new());
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                // Threads begin one after the other, so that the load is even.
                pause(PERIOD * number / THREADS);
                load(ledger, length);
            });
        }
        scope.spawn(|| watch_for(length, demo, ledger, watch));
        for step in 0..plan.steps {
            let clock = Stopwatch::start();
            let fault = Fault::ALL[step % Fault::ALL.len()].name();
            let outage = [Outage::None, Outage::Killed, Outage::Frozen][step % 3];
            let switch = |method| {
                let request = Request::new(method, &format!("/chaos/{fault}"));
                ledger.send(method, "/chaos/{name}", &request);
            };
            switch("POST");
            database.begin(outage);
            pause(plan.outage);
            database.end(outage);
            pause(plan.step.saturating_sub(clock.elapsed()));
            switch("DELETE");
        }
    });
    let held = ["node0_history_bytes", "node0_recording_bytes"];
    watch.held.push(held.map(|name| watch.last.sum(name, &[])));
    // The demo counts an answer when it is sent, a moment before or after its client has read it.
    let mut broken = Vec::new();
    Deadline::seconds(10).until(|| {
        broken = match ledger.answers() {
            Ok(answers) => equations::broken(&scrape(ledger), &answers),
            Err(unanswered) => unanswered,
        };
        broken.is_empty()
    });
    broken
}

/// Places orders and reads each a few times.
fn load(ledger: &Ledger, length: Duration) {
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let place = Request::new("POST", "/orders").json(&order);
    let (clock, mut read) = (Stopwatch::start(), None);
    for cycle in 1.. {
        let placed = ledger.send("POST", "/orders", &place);
        let placed = placed.filter(|response| response.status == 201);
        if let Some(order) = placed.and_then(|response| response.json().ok()) {
            let id = order["id"].as_str().expect("an order has a key");
            read = Some(Request::get(&format!("/orders/{id}")));
        }
        // Nobody else reads this order, so no read takes the result of another's load.
        for read in read.iter().flat_map(|read| [read; READS as usize]) {
            ledger.send("GET", "/orders/{id}", read);
        }
        pause((PERIOD * cycle).saturating_sub(clock.elapsed()));
        if clock.elapsed() >= length {
            return;
        }
    }
}

/// Scrapes once a second.
fn watch_for(length: Duration, demo: &Demo, ledger: &Ledger, watch: &mut Watch) {
    let clock = Stopwatch::start();
    for second in 1.. {
        let page = scrape(ledger);
        watch.fallen.extend(page.fallen_since(&watch.last));
        watch.fallen.extend(page.miscounted());
        watch.last = page;
        let resident = resident(demo.process.pid());
        watch.resident.last_mut().expect("a round has begun").push(resident);
        pause(Duration::from_secs(second).saturating_sub(clock.elapsed()));
        if clock.elapsed() >= length {
            return;
        }
    }
}

fn scrape(ledger: &Ledger) -> Page {
    let request = Request::get("/metrics?naming=standard");
    let response = ledger.send("GET", "/metrics", &request);
    Page::read(&response.map(|response| response.text()).unwrap_or_default())
}

/// Keeps connections that are idle most of the time, until the other side of the channel is dropped.
fn idle_clients(ledger: &Ledger, ended: &Receiver<()>) {
    let connect = |_| TcpStream::connect(ledger.address()).expect("the demo listens");
    let mut clients: Vec<_> = (0..IDLE_CLIENTS).map(connect).collect();
    loop {
        for client in &mut clients {
            ledger.get_on(client, "/health/live");
        }
        if ended.recv_timeout(IDLE) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// The resources that the demo holds beside the connections that it tells of.
#[derive(Clone, Debug)]
struct AtRest {
    descriptors: u64,
    /// The names of the threads, without those of the next two kinds.
    threads: Vec<String>,
    guests: usize,
    /// The threads of the runtime.
    workers: usize,
}

fn at_rest(demo: &Demo, page: &Page) -> AtRest {
    let folder = fs::read_dir(format!("/proc/{}/fd", demo.process.pid()));
    let descriptors = folder.expect("the demo runs on Linux").count() as u64;
    let told = page.sum("db_client_connections", &[]) + page.sum("node0_http_connections", &[]);
    let (mut guests, mut workers) = (0, 0);
    let mut threads = threads(demo.process.pid());
    threads.retain(|name| {
        guests += usize::from(name == "node0-guest");
        workers += usize::from(name == "tokio-rt-worker");
        !matches!(name.as_str(), "node0-guest" | "tokio-rt-worker")
    });
    AtRest {
        // The scrape's own connection is closed by now.
        descriptors: (descriptors + 1).saturating_sub(told as u64),
        threads,
        guests,
        workers,
    }
}

fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the demo runs on Linux");
    // A thread may end before its name is read.
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.filter_map(|task| name(task.ok()?));
    let mut names: Vec<_> = names.map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.expect("the demo runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("it is a number") << 10
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Returns by how much the largest is more than the smallest, as a share.
fn spread(values: &[u64]) -> f64 {
    match (values.iter().min(), values.iter().max()) {
        (Some(&least), Some(&most)) if least > 0 => most as f64 / least as f64 - 1.0,
        _ => 0.0,
    }
}
