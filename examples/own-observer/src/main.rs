//! Prints the busiest second of each counter of a service, after five seconds of made-up work.

use std::time::Duration;

use node0::Monitoring;
use own_observer::Busiest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let monitoring = Monitoring::builder().build()?;
    let busiest = Busiest::default();
    monitoring.registry().observe(busiest.clone())?;
    for n in 0..50 {
        monitoring.performance().record_throughput("jobs", n % 17);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (counter, peak) in busiest.peaks().into_iter().filter(|(_, peak)| peak.count > 0) {
        println!("{counter}: {} at {}", peak.count, peak.at.as_millis());
    }
    Ok(())
}
