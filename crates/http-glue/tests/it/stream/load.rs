//! A small load: many readers, some of which do not read.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::client::Reader;
use super::service::{SOON, Service};

const READERS: usize = 150;
const STALLED: usize = 50;
const LASTS: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_get_every_update_in_order_beside_fifty_that_do_not_read() {
    let service = Service::with_large_reports().await;
    let stalled = join_all((0..STALLED).map(|_| async {
        Reader::over(service.connect_small().await, "?metrics=queue&interval=100").await
    }))
    .await;
    let readers =
        join_all((0..READERS).map(|_| service.open("?metrics=database&interval=500"))).await;
    let end = Instant::now() + LASTS;
    let all = join_all(readers.into_iter().map(|mut reader| async move {
        let mut seqs = vec![reader.next_of("snapshot").await["seq"].as_u64().expect("a number")];
        while Instant::now() < end {
            let update = reader.next().await.expect("the stream goes on");
            assert_eq!(update["type"], "update", "nothing was missed");
            seqs.push(update["seq"].as_u64().expect("a number"));
        }
        seqs
    }))
    .await;
    // Each reader has all the updates between its first and its last one, in order.
    let sent: BTreeSet<u64> = all.iter().flat_map(|seqs| &seqs[1..]).copied().collect();
    for seqs in all {
        let (first, last) = (seqs[0], *seqs.last().expect("a snapshot at least"));
        assert!(seqs.len() > 15, "{seqs:?}");
        assert!(sent.range(first + 1..=last).eq(&seqs[1..]), "{seqs:?}");
    }
    let closed = |service: &Service| service.closed("stalled");
    service.until(SOON, |service| closed(service) == STALLED as f64).await;
    drop(stalled);
    service.until(SOON, |service| service.clients() == 0.0).await;
}
