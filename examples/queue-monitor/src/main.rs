//! Runs a queue with one slow consumer: look at `/metrics/queue`.

use std::time::Duration;

use axum::Router;
use node0::Monitoring;
use queue_monitor::QueueMonitor;
use tokio::time::{Instant, sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let monitoring = Monitoring::builder().version(env!("CARGO_PKG_VERSION")).build()?;
    let queue = QueueMonitor::register(monitoring.registry())?;
    tokio::spawn(consume(queue));

    let listener = node0::bind("127.0.0.1:3000").await?;
    println!("http://{}/metrics/queue", listener.local_addr()?);
    let app = Router::new().merge(monitoring.routes()?);
    monitoring.serve(listener, app).await?;
    Ok(())
}

/// Takes ten messages a second while eleven are sent, so that the queue grows.
async fn consume(queue: QueueMonitor) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let producer = queue.clone();
    tokio::spawn(async move {
        while sender.send(Instant::now()).is_ok() {
            producer.sent();
            sleep(Duration::from_millis(91)).await;
        }
    });
    while let Some(sent) = receiver.recv().await {
        queue.taken(sent.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
}
