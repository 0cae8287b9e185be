//! The probes while the database or the pool fails.

use std::time::Duration;

use serde_json::json;
use testbed::deadline::{Stopwatch, pause};
use testbed::http;
use testbed::process::Signal;
use testbed::{Deadline, tools};

use node0_local_postgres::LocalPostgres;

use crate::demo::{Demo, command};

/// The longest time that readiness may take to follow the database.
const FOLLOWS: Duration = Duration::from_secs(4);

fn readiness(demo: &Demo) -> u16 {
    demo.get("/health/ready").status
}

/// Asserts that readiness becomes `status` in time, while liveness stays as it is.
fn assert_follows(demo: &Demo, status: u16) {
    let since = Stopwatch::start();
    let followed = Deadline::after(FOLLOWS).until(|| {
        assert_eq!(demo.get("/health/live").status, 200, "liveness depends on nothing");
        readiness(demo) == status
    });
    assert!(followed, "still {} after {:?}", readiness(demo), since.elapsed());
}

#[test]
fn readiness_follows_the_database_and_liveness_does_not() {
    let tool = testbed::require!(tools::postgres());
    let builder = LocalPostgres::builder().bin_dirs([tool.bin_dir().to_owned()]);
    let mut postgres = builder.start().expect("Postgres starts");
    // The throw-away server commits asynchronously, for speed. Here an order must survive a
    // kill of the server, so it commits synchronously.
    let url = format!("{}?options=-c%20synchronous_commit%3Don", postgres.url());
    let demo = Demo::spawn(command(&["--database", &url]));
    assert_eq!(demo.said("database"), "postgres");
    let id = demo.order();

    postgres.kill();
    assert_follows(&demo, 503);
    let body = demo.json("/health/ready");
    assert_eq!(body["status"], "not_ready", "{body}");

    postgres.restart().expect("it starts again");
    assert_follows(&demo, 200);
    let read = Deadline::seconds(10).until(|| demo.get(&format!("/orders/{id}")).status == 200);
    assert!(read, "orders are read again");
}

#[test]
fn an_exhausted_pool_changes_no_probe() {
    let demo = Demo::start(&[]);
    for fault in ["slow-database", "small-pool"] {
        let on = http::Request::new("POST", &format!("/chaos/{fault}"));
        assert_eq!(demo.send(&on).status, 200);
    }
    let address = demo.address;
    // Each thread reads a different order, which no cache has.
    let readers: Vec<_> = (0..20)
        .map(|number| {
            let path = format!("/orders/{number}");
            std::thread::spawn(move || http::get(address, &path).map(|response| response.status))
        })
        .collect();
    let exhausted = Deadline::seconds(5).until(|| {
        let metrics = &demo.json("/metrics/database")["metrics"];
        metrics["waitingClients"].as_u64() > Some(5)
    });
    assert!(exhausted, "nobody waited: {}", demo.json("/metrics/database"));
    assert_eq!((demo.get("/health/live").status, readiness(&demo)), (200, 200));
    for reader in readers {
        let status = reader.join().expect("the reader ends").expect("an answer");
        assert!(matches!(status, 404 | 503), "{status}");
    }
}

#[test]
fn a_stop_is_announced_at_once_and_requests_are_served_through_the_drain() {
    let mut demo = Demo::start(&["--drain", "2s"]);
    let id = demo.order();
    demo.process.signal(Signal::TERM).expect("it runs");
    let since = Stopwatch::start();
    let announced = Deadline::after(Duration::from_millis(100)).until(|| readiness(&demo) == 503);
    assert!(announced, "not draining after {:?}", since.elapsed());
    assert_eq!(demo.json("/health/ready")["status"], "draining");
    while since.elapsed() < Duration::from_millis(1500) {
        assert_eq!(demo.get(&format!("/orders/{id}")).status, 200);
        assert_eq!(demo.get("/health/live").json().expect("JSON"), json!({ "status": "alive" }));
        pause(Duration::from_millis(50));
    }
    let status = demo.process.wait(Deadline::seconds(6)).expect("it ends");
    assert!(status.success() && since.elapsed() >= Duration::from_secs(2));
}
