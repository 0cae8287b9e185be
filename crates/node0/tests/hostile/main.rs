//! Hosts whose code misbehaves, and what must still be true of their monitoring.
//!
//! Each case is a process of its own, with a guest of one kind that has one fault, beside innocent
//! guests. While it runs, the sampling is regular, liveness answers at once and the innocent topic is
//! fresh; and SIGTERM ends it. A short run takes each guest and each fault at least once.

mod guests;
mod host;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::deadline::{Stopwatch, pause};
use testbed::http::{self, Response};
use testbed::process::Process;
use testbed::prove::{self, Length};

use guests::{Fault, Guest};

/// The cases that run at the same time.
const AT_ONCE: usize = 4;

/// What must be true of each case; a machine that is busy with other tests is given more time.
#[derive(Clone, Copy)]
struct Limits {
    /// The time for which a case is watched.
    watched: Duration,
    liveness: Duration,
    /// The longest time between two ticks: a second, and the timeouts of guests.
    gap: Duration,
}

/// What was measured of a case.
#[derive(Clone, Copy, Default)]
struct Measured {
    liveness: Duration,
    gap: Duration,
    end: Duration,
}

#[test]
fn plays_the_host() {
    if let Some((guest, fault)) = host::case_of_this_process() {
        host::run(guest, fault);
    }
}

#[test]
fn guests_that_misbehave_harm_nobody_else() {
    let length = Length::of_this_run();
    let limits = Limits {
        watched: Duration::from_secs(length.pick(3, 6)),
        liveness: Duration::from_millis(length.pick(1000, 100)),
        gap: Duration::from_millis(length.pick(3000, 1600)),
    };
    let all =
        Guest::ALL.iter().flat_map(|guest| Fault::ALL.iter().map(move |fault| (*guest, *fault)));
    let cases: Vec<_> = match length {
        Length::Long => all.collect(),
        // Each guest once, and each fault with some guest.
        Length::Short => Guest::ALL.into_iter().zip(Fault::ALL.into_iter().cycle()).collect(),
    };
    let (next, results) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((guest, fault)) = take(&next) {
                    let measured = watch(guest, fault, limits);
                    lock(&results).push((format!("{guest:?} {fault:?}"), measured));
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_default();
    let worst = |of: fn(&Measured) -> Duration| {
        let measured = |(name, measured): &(String, Result<Measured, String>)| {
            Some((of(measured.as_ref().ok()?), name.clone()))
        };
        let worst = results.iter().filter_map(measured).max();
        worst.map(|(time, case)| json!({ "millis": time.as_millis() as u64, "case": case }))
    };
    let figures = json!({
        "cases": results.len(),
        "slowestLiveness": worst(|measured| measured.liveness),
        "longestGap": worst(|measured| measured.gap),
        "slowestEnd": worst(|measured| measured.end),
    });
    prove::report(&figures).expect("figures");
    let failed: Vec<_> = results
        .iter()
        .filter_map(|(name, measured)| Some(format!("{name}: {}", measured.as_ref().err()?)))
        .collect();
    assert!(failed.is_empty(), "{}\n{figures:#}", failed.join("\n"));
    assert_eq!(results.len(), cases.len());
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn take<'c>(cases: &Mutex<impl Iterator<Item = &'c (Guest, Fault)>>) -> Option<(Guest, Fault)> {
    lock(cases).next().copied()
}

/// Runs a case; an error says what was not true of it.
fn watch(guest: Guest, fault: Fault, limits: Limits) -> Result<Measured, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut command = Command::new(std::env::current_exe().map_err(|error| said(&error))?);
    command.args(["--exact", "plays_the_host", "--nocapture"]);
    host::set_case(&mut command, guest, fault);
    let mut host = Process::spawn(command).map_err(|error| said(&error))?;
    let line =
        host.wait_for_line(host::LISTENS, Deadline::seconds(60)).map_err(|error| said(&error))?;
    let address = line.rsplit(' ').next().and_then(|address| address.parse().ok());
    let address: SocketAddr = address.ok_or(format!("no address in {line:?}"))?;

    let mut measured = Measured { liveness: provoke(address, limits)?, ..Measured::default() };
    let witness = ask(address, "/witness")?.json().map_err(|error| said(&error))?;
    let millis = |key: &str| Duration::from_millis(witness[key].as_u64().unwrap_or(u64::MAX));
    measured.gap = millis("longestGap").max(millis("sinceLast"));
    check(measured.gap <= limits.gap, "ticks are regular", &witness)?;
    check(witness["ticks"].as_u64() >= Some(limits.watched.as_secs() / 2), "it ticks", &witness)?;
    // The two are counted a moment apart.
    let (polls, ticks) = (witness["polls"].as_u64(), witness["ticks"].as_u64());
    check(
        polls.zip(ticks).is_some_and(|(polls, ticks)| polls.abs_diff(ticks) <= 1),
        "all are polled",
        &witness,
    )?;

    let calm = ask(address, "/metrics/calm")?.json().map_err(|error| said(&error))?;
    check(calm["health"]["status"] == "healthy", "the innocent topic is healthy", &calm)?;
    let health = ask(address, "/health/performance")?.json().map_err(|error| said(&error))?;
    check(health["checks"]["calm"]["status"] == "pass", "its check passes", &health)?;
    check(health["age"].as_u64() <= Some(3000), "health is fresh", &health)?;
    let sprung = witness["sprung"].as_u64();
    check(sprung > Some(0), "the guest was called", &witness)?;

    let stopwatch = Stopwatch::start();
    let status = host.terminate(Deadline::seconds(10)).map_err(|error| said(&error))?;
    measured.end = stopwatch.elapsed();
    check(status.success(), "SIGTERM ends it", &json!(status.to_string()))?;
    Ok(measured)
}

fn check(holds: bool, what: &str, seen: &Value) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not so: {what}; it says {seen}")) }
}

fn ask(address: SocketAddr, path: &str) -> Result<Response, String> {
    http::get(address, path).map_err(|error| format!("{path}: {error}"))
}

/// Asks for all that calls guests, and returns the longest time that liveness took meanwhile.
fn provoke(address: SocketAddr, limits: Limits) -> Result<Duration, String> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for path in
            ["/metrics", "/metrics/guest", "/health/performance?metrics=true", "/health/ready"]
        {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    // That of the guest may fail, and take long.
                    let _ = http::get(address, path);
                    pause(Duration::from_millis(100));
                }
            });
        }
        let (watched, mut slowest) = (Stopwatch::start(), Ok(Duration::ZERO));
        while watched.elapsed() < limits.watched && slowest.is_ok() {
            let asked = Stopwatch::start();
            let alive = ask(address, "/health/live");
            let took = asked.elapsed();
            slowest = match alive {
                Ok(alive) if alive.status == 200 && took <= limits.liveness => {
                    slowest.map(|slowest| took.max(slowest))
                }
                Ok(alive) => Err(format!("liveness: {} after {took:?}", alive.status)),
                Err(error) => Err(error),
            };
            pause(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::Relaxed);
        slowest
    })
}
