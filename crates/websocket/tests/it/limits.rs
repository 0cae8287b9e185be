//! Clients that do not answer, do not read, or send without end.

use std::time::Duration;

use bytes::Bytes;
use node0_websocket::{End, Event, Socket};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::Instant;

use crate::client::{Client, FINAL, PING, PONG, TEXT, at_most, frame, rules};

#[tokio::test(start_paused = true)]
async fn the_third_unanswered_ping_ends_the_connection() {
    let (mut client, ping) = (Client::of_echo(rules(), 1 << 10), rules().ping);
    let begun = Instant::now();
    assert_eq!(client.receive().await.expect("a ping").opcode, PING);
    let first = begun.elapsed();
    assert!(first >= ping / 2 && first <= ping + Duration::from_millis(1), "{first:?}");
    assert_eq!(client.receive().await.expect("a ping").opcode, PING);
    assert!(client.receive().await.is_none(), "it gives up");
    assert!(begun.elapsed() <= 3 * ping + Duration::from_millis(10), "{:?}", begun.elapsed());
    assert_eq!(client.ended().await, End::Unanswered);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays() {
    let mut client = Client::of_echo(rules(), 1 << 10);
    for _ in 0..20 {
        assert_eq!(client.receive().await.expect("a ping").opcode, PING);
        client.send(FINAL | PONG, b"").await;
    }
    assert!(!client.server.is_finished());
}

#[tokio::test(start_paused = true)]
async fn the_newest_ping_is_answered_once_the_client_reads_again() {
    let mut client = Client::of_echo(rules(), 300);
    let begun = Instant::now();
    for count in 0..50_u8 {
        client.send(FINAL | PING, &[count; 125]).await;
        tokio::task::yield_now().await;
    }
    let mut newest = None;
    while newest != Some(49) {
        let pong = client.receive().await.expect("a pong");
        assert_eq!(pong.opcode, PONG, "it does not take until the next ping of the server");
        newest = pong.payload.first().copied();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn pings_go_with_messages_and_must_be_answered_all_the_same() {
    let (mut client, ping) = (Client::of_echo(rules(), 1 << 10), rules().ping);
    let begun = Instant::now();
    let mut pings = 0;
    let is_gone = loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.send(FINAL | TEXT, b"x").await;
        match client.receive().await {
            Some(frame) if frame.opcode == PING => {
                pings += 1;
                // It came just before the echo.
                let Some(frame) = client.receive().await else { break true };
                assert_eq!(frame.text(), "x");
            }
            Some(frame) => assert_eq!(frame.text(), "x"),
            None => break true,
        }
        if begun.elapsed() > 4 * ping {
            break false;
        }
    };
    assert!(is_gone && pings == 2, "{pings} pings");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_progress_ends_the_connection_in_time() {
    let (_client, other) = duplex(1000);
    let mut socket = Socket::new(other, Bytes::new(), rules());
    socket.send_text(&[b'x'; 4096]);
    let begun = Instant::now();
    assert_eq!(socket.event().await, Err(End::Stalled));
    let waited = begun.elapsed();
    assert!(waited >= rules().write_timeout, "{waited:?}");
    assert!(waited < rules().write_timeout + Duration::from_millis(10), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_that_reads_is_no_stalled_one() {
    use tokio::io::AsyncReadExt as _;
    let (mut client, other) = duplex(100);
    let mut socket = Socket::new(other, Bytes::new(), rules());
    socket.send_text(&[b'x'; 600]);
    let reading = async {
        let mut bytes = [0; 100];
        for _ in 0..6 {
            tokio::time::sleep(rules().write_timeout * 9 / 10).await;
            client.read_exact(&mut bytes).await.expect("a piece");
            // Answers to the pings, which wait behind the message.
            client.write_all(&frame(FINAL | PONG, b"")).await.expect("it is read");
        }
    };
    let sending = async { while socket.event().await.expect("it goes on") != Event::Sent {} };
    tokio::join!(reading, sending);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_that_reads_nothing_is_bounded_and_ends() {
    let mut client = Client::of_echo(rules(), 512);
    let flood = async {
        let ping = frame(FINAL | PING, &[b'x'; 125]);
        let begun = Instant::now();
        while client.io.write_all(&ping).await.is_ok() {
            // Lets time pass, as a network does.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begun.elapsed()
    };
    let lasted = at_most(Duration::from_secs(60), flood).await;
    assert!(lasted <= rules().write_timeout + Duration::from_millis(100), "{lasted:?}");
    assert_eq!(client.ended().await, End::Stalled);
}
