use node0_metrics_core::{ManualClock, Registry};
use queue_monitor::{End, QueueMonitor, Thresholds};
use std::time::Duration;

#[test]
fn failed_jobs_are_reported() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let monitor = QueueMonitor::register(&registry)?;
    let mails = monitor.queue("mails", Thresholds { failed_jobs: 1 })?;
    let mut ticker = registry.ticker()?;

    mails.ended(End::Done, Duration::from_millis(3));
    mails.ended(End::Failed, Duration::from_millis(3));
    mails.ended(End::Failed, Duration::from_millis(3));
    clock.advance(Duration::from_secs(1));
    let sample = ticker.tick().sample;

    let failed = [("queue", "mails"), ("end", "failed")];
    let value = sample.snapshot.value("queue_jobs_total", &failed);
    assert_eq!(value.map(|value| value.as_f64()), Some(2.0));
    let report = serde_json::to_value(sample.report("queue", Some("mails"))?)?;
    assert_eq!(report["queues"]["mails"]["samples"], 3);
    assert_eq!(report["health"]["issues"][0], "queue `mails`: 2 recent jobs failed");
    Ok(())
}
