//! A service that keeps its own exporter, whose page also shows node0's pool metrics.
//!
//! It uses no endpoint and no port of node0: once a second, a [`Publisher`] sends node0's
//! numbers to the `metrics` recorder that the service has installed anyway.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use metrics::counter;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use node0_aggregator::{Aggregator, Events};
use node0_db_pool_monitor::PoolMonitor;
use node0_db_pool_monitor::deadpool::MonitoredPool;
use node0_metrics_bridge::Publisher;
use node0_metrics_core::{Event, Registry};

/// The number of workers, each of which holds a connection until the process ends.
const WORKERS: usize = 3;

/// Makes connections that are no real ones, so that the example needs no database.
struct Connector;

impl Manager for Connector {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = install_exporter()?;

    let registry = Registry::new();
    let monitor = PoolMonitor::register(&registry)?;
    let pool = monitor.build("main", Pool::builder(Connector).max_size(4))?;
    let aggregator = Aggregator::start(&registry)?;
    tokio::spawn(publish(aggregator.subscribe()));

    let workers: Vec<_> = (0..WORKERS).map(|_| tokio::spawn(work(pool.clone()))).collect();
    println!("ready http://{address}/metrics");
    for worker in workers {
        worker.await?;
    }
    Ok(())
}

/// Installs the exporter on a free port, and returns its address.
fn install_exporter() -> Result<SocketAddr, Box<dyn std::error::Error>> {
    loop {
        // The exporter cannot report a port that the system chose, so a free one is found first.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let exporter = PrometheusBuilder::new()
            .set_buckets(&[0.001, 0.01, 0.1, 1.0])?
            .with_http_listener(address);
        match exporter.install() {
            // Another process has taken the port meanwhile: try the next one.
            Err(BuildError::FailedToCreateHTTPListener(_)) => {}
            installed => return Ok(installed.map(|()| address)?),
        }
    }
}

/// Sends the sample of each tick to the installed recorder.
async fn publish(mut events: Events) {
    let mut publisher = Publisher::new();
    while let Some(received) = events.recv().await {
        if let Event::Sample(sample) = received.event {
            publisher.publish(&sample);
        }
    }
}

/// Takes a connection and never gives it back.
async fn work(pool: MonitoredPool<Connector>) {
    let _connection = pool.get().await;
    counter!("workers_started_total").increment(1);
    std::future::pending().await
}
