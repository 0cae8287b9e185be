//! Runs one hot path a given number of times, for `cargo xtask prove instructions` to count.
//!
//! `hot_paths PATH TIMES`; without arguments it lists the paths. What surrounds the
//! path is the same for any number of times, so two runs tell what one time costs.

use std::hint::black_box;
use std::time::Duration;

use metrics_core::{Desc, Labelled, Latency, ManualClock, RegisterError, Registry};

const COUNTER: Desc = Desc::counter("requests_total", "Requests.");
const LEVEL: Desc = Desc::up_down("requests_in_flight", "Requests in flight.");
const VALUE: Desc = Desc::gauge("queue_length", "Jobs that wait.");
const LATENCY: Desc = Desc::latency("request_duration_seconds", "Time to answer.");
const LOOKUPS: Desc = Desc::counter("lookups_total", "Lookups.").labels(&["result"]);
const BY_NAME: Desc =
    Desc::latency("operation_duration_seconds", "Time of an operation.").labels(&["operation"]);
const BY_ROUTE: Desc =
    Desc::latency("route_duration_seconds", "Time to answer.").labels(&["method", "route"]);

type Path = (&'static str, fn(&Registry, u64) -> Result<(), RegisterError>);

const PATHS: &[Path] = &[
    ("counter", |registry, times| {
        let counter = registry.counter(&COUNTER, &[])?;
        (0..times).for_each(|_| black_box(&counter).inc());
        Ok(())
    }),
    ("up-down", |registry, times| {
        let level = registry.up_down(&LEVEL, &[])?;
        (0..times).for_each(|_| black_box(&level).add(1));
        Ok(())
    }),
    ("gauge", |registry, times| {
        let gauge = registry.gauge(&VALUE, &[])?;
        (0..times).for_each(|_| black_box(&gauge).set(1.0));
        Ok(())
    }),
    ("latency", |registry, times| {
        let latency = registry.latency(&LATENCY, &[])?;
        // Of each twice, since a bucket's first value takes another path.
        let took = [3, 40, 500, 60_000].map(Duration::from_micros);
        took.iter().chain(&took).for_each(|took| latency.record(*took));
        (0..times).for_each(|i| black_box(&latency).record(took[i as usize % took.len()]));
        Ok(())
    }),
    ("timer", |registry, times| {
        let latency = registry.latency(&LATENCY, &[])?;
        (0..2).for_each(|_| drop(latency.start()));
        (0..times).for_each(|_| drop(black_box(&latency).start()));
        Ok(())
    }),
    ("hit-ratio", |registry, times| {
        let lookups = registry.hit_ratio(&LOOKUPS, &[])?;
        (0..times).for_each(|_| black_box(&lookups).hit());
        Ok(())
    }),
    ("by-one-label", |registry, times| {
        let operations: Labelled<Latency, 1> = registry.latencies(&BY_NAME)?;
        let took = Duration::from_micros(500);
        (0..2).for_each(|_| operations.record(["orders:place"], took));
        (0..times).for_each(|_| operations.record(black_box(["orders:place"]), took));
        Ok(())
    }),
    ("by-two-labels", |registry, times| {
        let requests: Labelled<Latency, 2> = registry.latencies(&BY_ROUTE)?;
        let took = Duration::from_micros(500);
        (0..2).for_each(|_| requests.record(["GET", "/orders/{id}"], took));
        (0..times).for_each(|_| requests.record(black_box(["GET", "/orders/{id}"]), took));
        Ok(())
    }),
];

#[expect(clippy::print_stdout, reason = "it answers on the terminal")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        PATHS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    let times = arguments.next().ok_or("say how many times")?.parse()?;
    let (_, path) = PATHS.iter().find(|(known, _)| *known == name).ok_or("no such path")?;
    let registry = Registry::builder().clock(ManualClock::new().clock()).build();
    path(&registry, times)?;
    Ok(())
}
