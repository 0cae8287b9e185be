//! Events between two scrapes, as real Prometheus servers see them.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use node0::breaker::tower_resilience::{BreakerLayer, watch};
use node0::breaker::{Circuit, Thresholds};
use node0::{Monitoring, serve};
use testbed::prometheus::{Prometheus, ScrapeJob, Series};
use testbed::{Deadline, tools};
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

/// The changes of state in one flap.
const FLAP: [(&str, &str); 3] =
    [("closed", "open"), ("open", "half_open"), ("half_open", "closed")];

#[derive(Debug)]
struct Down;

type Reply = Result<(), Down>;

/// A service that replies with what it is asked for, behind a breaker whose wait in open is over at once.
fn payments(
    circuit: &Circuit,
) -> impl Service<Reply, Response = (), Error = CircuitBreakerError<Down>> + use<> {
    let breaker = CircuitBreakerLayer::builder()
        .consecutive_failures(2)
        .permitted_calls_in_half_open(1)
        .wait_duration_in_open(Duration::ZERO);
    ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit))
        .layer(watch(breaker, circuit).build().unwrap())
        .service(service_fn(|reply: Reply| -> Ready<Reply> { ready(reply) }))
}

/// Every sample that a server has of the circuit's changes.
fn changes(server: &Prometheus) -> Vec<Series> {
    server.query("circuit_breaker_transitions_total{circuit=\"payments\"}[5m]").unwrap()
}

/// Returns the number of scrapes that have them.
fn scrapes(server: &Prometheus) -> usize {
    changes(server).iter().map(|series| series.points.len()).min().unwrap_or(0)
}

// The test's own task may block: the servers are asked on its thread and serve on others.
#[tokio::test(flavor = "multi_thread")]
async fn ten_flaps_between_two_scrapes_raise_the_counters_by_ten() {
    let tools =
        [testbed::require!(tools::prometheus_2_42()), testbed::require!(tools::prometheus_2_53())];
    let monitoring = Monitoring::builder().build().unwrap();
    let circuit = monitoring.breakers().circuit("payments", Thresholds::default()).unwrap();
    let mut payments = payments(&circuit);
    // Held shared by each scrape, so that none sees a part of what is done under it.
    let gate = Arc::new(RwLock::new(()));
    let gated = gate.clone();
    let through_gate = from_fn(move |request: Request, next: Next| {
        let gate = gated.clone();
        async move {
            let _scraping = gate.read().await;
            next.run(request).await
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let job = ScrapeJob::new("app", listener.local_addr().unwrap());
    let app = monitoring.watch(monitoring.routes().unwrap().layer(through_gate));
    let app = tokio::spawn(serve(listener, app).run());
    let servers =
        tools.map(|tool| Prometheus::start(&tool, std::slice::from_ref(&job)).expect("it starts"));
    let has = |server: &Prometheus, wanted| {
        let enough = Deadline::seconds(30).until(|| scrapes(server) >= wanted);
        assert!(enough, "never scraped {wanted} times: {}", server.log());
    };
    servers.iter().for_each(|server| has(server, 1));

    let flapping = gate.write().await;
    let before = servers.each_ref().map(scrapes);
    for _ in 0..10 {
        for reply in [Err(Down), Err(Down), Ok(())] {
            let wanted = reply.is_ok();
            let got = payments.ready().await.unwrap().call(reply).await;
            assert_eq!(got.is_ok(), wanted);
        }
    }
    drop(flapping);

    for (server, before) in servers.iter().zip(before) {
        // One may have been answered before the flaps and come in after them; not two.
        has(server, before + 2);
        let changes = changes(server);
        let of = |labels: (&str, &str)| {
            let found = changes
                .iter()
                .find(|series| (&*series.labels["from"], &*series.labels["to"]) == labels);
            found.unwrap_or_else(|| panic!("no {labels:?} in {changes:?}"))
        };
        let rise = |series: &Series| {
            let first = series.points.iter().find(|point| point.value != 0.0);
            first.unwrap_or_else(|| panic!("{series:?}")).time
        };
        for labels in FLAP {
            let mut values: Vec<_> = of(labels).points.iter().map(|point| point.value).collect();
            values.dedup();
            assert_eq!(values, [0.0, 10.0], "{labels:?}");
            assert_eq!(rise(of(labels)), rise(of(FLAP[0])), "all in the same scrape");
        }
        let total: f64 = changes.iter().filter_map(Series::last).sum();
        assert_eq!(total, 30.0, "no other change: {changes:?}");
    }
    app.abort();
    monitoring.stop();
}
