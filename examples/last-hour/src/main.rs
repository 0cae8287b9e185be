//! Prints the percentiles of made-up work over its last ten seconds and its last hour.

use std::time::Duration;

use last_hour::{HOUR, LastHour};
use node0_aggregator::Aggregator;
use node0_metrics_core::{Buckets, Desc, Event, Latency, Registry};
use tokio::time::sleep;

const WORK: Desc = Desc::latency("work_duration_seconds", "Time that a piece of work took.");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let latency = registry.latency(&WORK, &[])?;
    let mut past = LastHour::of(&latency).ok_or("the handle is disabled")?;
    let aggregator = Aggregator::start(&registry)?;
    let mut events = aggregator.subscribe();
    tokio::spawn(work(latency));
    while let Some(received) = events.recv().await {
        if let Event::Sample(sample) = received.event {
            past.observe(&sample);
            let over = |stretch| shown(&past.over(stretch, sample.uptime));
            println!("10 s: {}   1 h: {}", over(Duration::from_secs(10)), over(HOUR));
        }
    }
    Ok(())
}

fn shown(buckets: &Buckets) -> String {
    let millis = |q| buckets.quantile(q).map_or("-".to_owned(), |s| format!("{:.1} ms", s * 1e3));
    format!("{} samples, p50 {}, p99 {}", buckets.count(), millis(0.5), millis(0.99))
}

/// Simulates work that is mostly short and sometimes longer.
async fn work(latency: Latency) {
    for n in 0_u64.. {
        let timer = latency.start();
        sleep(Duration::from_millis(if n.is_multiple_of(50) { 80 } else { 5 })).await;
        timer.stop();
    }
}
