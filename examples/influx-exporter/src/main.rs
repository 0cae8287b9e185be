//! Prints the line protocol of some made-up work each second, for example into `influx write`.

use std::time::Duration;

use influx_exporter::write_lines;
use node0_aggregator::Aggregator;
use node0_metrics_core::{Counter, Desc, Event, Latency, Registry};
use tokio::time::sleep;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
const WORK: Desc = Desc::latency("work_duration_seconds", "Time that a piece of work took.");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let (jobs, latency) = (registry.counter(&JOBS, &["mail"])?, registry.latency(&WORK, &[])?);
    let aggregator = Aggregator::start(&registry)?;
    let mut events = aggregator.subscribe();
    tokio::spawn(work(jobs, latency));
    let mut lines = String::new();
    while let Some(received) = events.recv().await {
        if let Event::Sample(sample) = received.event {
            lines.clear();
            write_lines(&sample, &mut lines);
            print!("{lines}");
        }
    }
    Ok(())
}

async fn work(jobs: Counter, latency: Latency) {
    loop {
        let timer = latency.start();
        sleep(Duration::from_millis(5)).await;
        timer.stop();
        jobs.inc();
    }
}
