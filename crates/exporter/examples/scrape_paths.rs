//! Scrapes a registry a given number of times, for `cargo xtask prove instructions` to count.
//!
//! `scrape_paths PATH TIMES`; without arguments it lists the paths. A run of a path is a hundred
//! series, so the counts are those of a scrape of that size.

use std::error::Error;

use exporter::{Exporter, Format, Naming};
use metrics_core::{Desc, ManualClock, Registry};

const SERIES: usize = 100;
const COUNTERS: Desc = Desc::counter("requests_total", "Requests.").labels(&["route"]);
const LATENCIES: Desc =
    Desc::latency("request_duration_seconds", "Time to answer.").labels(&["route"]);

const PATHS: &[&str] = &["idle-pass", "busy-pass", "scrape-counters", "scrape-latencies"];

#[expect(clippy::print_stdout, reason = "it answers on the terminal")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        PATHS.iter().for_each(|name| println!("{name}"));
        return Ok(());
    };
    let times: u64 = arguments.next().ok_or("say how many times")?.parse()?;
    let registry = Registry::builder().clock(ManualClock::new().clock()).build();
    let routes: Vec<String> = (0..SERIES).map(|route| route.to_string()).collect();
    let counters = routes.iter().map(|route| registry.counter(&COUNTERS, &[route]));
    let counters: Vec<_> = counters.collect::<Result<_, _>>()?;
    let latencies = routes.iter().map(|route| registry.latency(&LATENCIES, &[route]));
    let latencies: Vec<_> = latencies.collect::<Result<_, _>>()?;
    let mut ticker = registry.ticker()?;
    let record = |nanos| {
        counters.iter().for_each(|counter| counter.inc());
        latencies.iter().for_each(|latency| latency.record_nanos(nanos));
    };
    // Each bucket's first value takes another path.
    (0..16).for_each(|n| record(n * 1000));
    ticker.tick();

    let (exporter, mut page) = (Exporter::new(), Vec::new());
    let mut render = |sample: &metrics_core::Sample| {
        page.clear();
        exporter.render(sample, Format::Text, Naming::Standard, &mut page);
    };
    for n in 0..times {
        match name.as_str() {
            "idle-pass" => drop(ticker.tick()),
            "busy-pass" => {
                record(n % 16 * 1000);
                drop(ticker.tick());
            }
            "scrape-counters" => counters.iter().for_each(|counter| counter.inc()),
            "scrape-latencies" => latencies.iter().for_each(|latency| latency.record_nanos(1000)),
            _ => return Err("no such path".into()),
        }
        if name.starts_with("scrape") {
            render(&registry.read());
        }
    }
    Ok(())
}
