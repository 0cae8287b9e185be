//! The shutdown with streams and requests in flight, and the end of a runtime.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::service::{SOON, Service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_is_closed_within_the_drain_and_the_server_waits_for_them() {
    let mut service = Service::start().await;
    let readers = join_all((0..200).map(|_| async {
        let mut reader = service.open("?interval=100").await;
        reader.next_of("snapshot").await;
        reader
    }))
    .await;
    let scrapes = join_all((0..50).map(|_| async {
        let mut stream = service.connect().await;
        let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.expect("it is read");
        stream
    }))
    .await;
    assert_eq!(service.clients(), 200.0);

    let begun = Instant::now();
    service.shutdown.begin();
    let closed = join_all(readers.into_iter().map(|reader| reader.closed())).await;
    let lasted = begun.elapsed();
    assert!(closed.iter().all(|(code, _)| *code == 1001), "{closed:?}");
    assert!(lasted < Duration::from_millis(500), "longer than the drain delay: {lasted:?}");
    for mut scrape in scrapes {
        let mut page = String::new();
        timeout(SOON, scrape.read_to_string(&mut page)).await.expect("in time").expect("text");
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("node0_stream_clients"));
    }
    let server = service.server.take().expect("it runs");
    timeout(SOON, server).await.expect("the server ends").expect("without a panic");
    assert_eq!((service.closed("shutdown"), service.clients()), (200.0, 0.0));
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // The readiness checks go on as long as somebody holds the readiness.
    assert!(tasks <= 1, "{tasks} tasks are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_waits_for_a_client_that_does_not_answer_its_close_frame_no_longer_than_it_must()
{
    let mut service = Service::start().await;
    let _silent = super::client::Raw::open(&service).await;
    service.until(SOON, |service| service.clients() == 1.0).await;
    let begun = Instant::now();
    service.shutdown.begin();
    let server = service.server.take().expect("it runs");
    timeout(SOON, server).await.expect("the server ends").expect("without a panic");
    let lasted = begun.elapsed();
    assert!(lasted >= Duration::from_secs(2), "it did not wait: {lasted:?}");
    assert!(lasted < Duration::from_secs(4), "it waited for the grace period: {lasted:?}");
}

#[test]
fn a_runtime_that_is_dropped_under_its_streams_leaves_nothing() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads");
    let (service, readers) = runtime.block_on(async {
        let service = Service::start().await;
        let mut readers = Vec::new();
        for _ in 0..5 {
            readers.push(service.open("").await);
        }
        for reader in &mut readers {
            reader.next_of("snapshot").await;
        }
        let mut events = service.open_events().await;
        events.next().await.expect("an event");
        assert_eq!(service.clients(), 6.0);
        (service, (readers, events))
    });
    drop(runtime);
    assert_eq!(service.clients(), 0.0);
    drop((service, readers));
}
