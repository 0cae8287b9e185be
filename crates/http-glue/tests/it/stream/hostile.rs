//! What a hostile client sends, and the close code that it gets.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Raw, frame};
use super::service::{SOON, Service};

const FINAL_TEXT: u8 = 0x81;
const FINAL_BINARY: u8 = 0x82;
const TEXT: u8 = 0x01;
const CONTINUED: u8 = 0x00;
const FINAL_CONTINUED: u8 = 0x80;
const PING: u8 = 0x89;
const MAX: usize = 16 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_frame_that_no_client_may_send_has_its_close_code() {
    let service = Service::start().await;
    let mut honest = service.open("?interval=100").await;
    let check = async |frames: &[(u8, &[u8])], code: u16, reason: &str| {
        let before = service.closed(reason);
        let mut raw = Raw::open(&service).await;
        for (first, payload) in frames {
            // The server may have closed the connection already.
            let _ = raw.send(*first, payload).await;
        }
        assert_eq!(raw.close_code().await, Some(code), "{reason}: {} frames", frames.len());
        service.until(SOON, |service| service.closed(reason) == before + 1.0).await;
    };
    check(&[(FINAL_BINARY, b"{}")], 1003, "binary").await;
    check(&[(FINAL_TEXT, &[0xFF, 0xFE])], 1007, "invalid").await;
    check(&[(FINAL_TEXT, &[b'x'; MAX + 1])], 1009, "too_large").await;
    check(&[(TEXT, &[b'x'; MAX]), (FINAL_CONTINUED, b"x")], 1009, "too_large").await;
    check(&[(0x83, b"reserved")], 1002, "invalid").await;
    check(&[(0xC1, b"compressed")], 1002, "invalid").await;
    check(&[(FINAL_CONTINUED, b"of nothing")], 1002, "invalid").await;
    check(&[(0x88, b"x")], 1002, "invalid").await;
    let head = [(TEXT, &b""[..])];
    let fragments: Vec<_> = head.into_iter().chain([(CONTINUED, &b""[..]); 6000]).collect();
    check(&fragments, 1008, "flood").await;
    check(&vec![(FINAL_TEXT, &b"{"[..]); 2000], 1008, "flood").await;
    check(&vec![(PING, &b""[..]); 2000], 1008, "flood").await;
    for _ in 0..3 {
        honest.next_of("update").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_of_a_tebibyte_is_refused_by_its_head() {
    let service = Service::start().await;
    let mut raw = Raw::open(&service).await;
    let mut head = frame(FINAL_TEXT, b"");
    head[1] = 0x80 | 127;
    head.splice(2..2, (1_u64 << 40).to_be_bytes());
    tokio::io::AsyncWriteExt::write_all(&mut raw.stream, &head).await.expect("it is read");
    assert_eq!(raw.close_code().await, Some(1009));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_message_and_slow_fragments_are_answered() {
    let service = Service::start().await;
    let mut reader = service.open("?interval=60000").await;
    reader.next_of("snapshot").await;
    reader.send_raw(Message::text("x".repeat(MAX))).await;
    assert_eq!(reader.next_of("error").await["data"]["code"], "invalid_json");

    let mut raw = Raw::open(&service).await;
    raw.send(TEXT, br#"{"type":"#).await.expect("it is read");
    raw.send(PING, b"between").await.expect("it is read");
    raw.send(FINAL_CONTINUED, br#""ping"}"#).await.expect("it is read");
    raw.send(0x88, &1000_u16.to_be_bytes()).await.expect("it is read");
    assert_eq!(raw.close_code().await, Some(1000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_that_reads_nothing_ends_soon() {
    let service = Service::start().await;
    let mut raw = Raw::over(service.connect_small().await).await;
    let begun = Instant::now();
    let pings = frame(PING, &[b'x'; 125]).repeat(100);
    let flood = async {
        use tokio::io::AsyncWriteExt as _;
        while raw.stream.write_all(&pings).await.is_ok() {}
    };
    timeout(SOON, flood).await.expect("the server hangs up");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(service.closed("flood"), 1.0);
    assert_eq!(service.clients(), 0.0);
}
