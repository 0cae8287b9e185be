//! The ends of a WebSocket, by either side.

use std::time::Duration;

use node0_websocket::End;
use tokio::time::Instant;

use crate::client::{CLOSE, Client, FINAL, PING, TEXT, at_most, rules};

/// Sends frames, and returns the code of the close frame that answers them, and the end.
async fn closed_by(frames: &[(u8, &[u8])]) -> (Option<u16>, End) {
    let mut client = Client::of_echo(rules(), 1 << 16);
    for (first, payload) in frames {
        client.send(*first, payload).await;
    }
    let close = loop {
        match client.receive().await.expect("a close frame") {
            frame if frame.opcode == CLOSE => break frame,
            _ => {}
        }
    };
    assert!(client.receive().await.is_none(), "the server hangs up first");
    (close.code(), client.ended().await)
}

#[tokio::test(start_paused = true)]
async fn each_broken_rule_has_its_code() {
    let check = async |frames: &[(u8, &[u8])], expected: u16| {
        let (code, end) = closed_by(frames).await;
        assert_eq!(code, Some(expected), "{frames:?}");
        assert!(matches!(end, End::Broken { code, .. } if code == expected), "{end:?}");
    };
    check(&[(FINAL | 3, b"")], 1002).await;
    check(&[(FINAL | 11, b"")], 1002).await;
    check(&[(FINAL | 0x40 | TEXT, b"compressed")], 1002).await;
    check(&[(FINAL, b"continues nothing")], 1002).await;
    check(&[(TEXT, b"a"), (FINAL | TEXT, b"b")], 1002).await;
    check(&[(PING, b"in fragments")], 1002).await;
    check(&[(FINAL | PING, &[b'x'; 126])], 1002).await;
    check(&[(FINAL | CLOSE, b"x")], 1002).await;
    check(&[(FINAL | TEXT, &[0xFF])], 1007).await;
    check(&[(TEXT, &[0xC3]), (FINAL, b"x")], 1007).await;
    check(&[(FINAL | TEXT, &[b'x'; (16 << 10) + 1])], 1009).await;
    let half = [b'x'; 9 << 10];
    check(&[(TEXT, &half), (FINAL, &half)], 1009).await;
    let empty: Vec<(u8, &[u8])> =
        [(TEXT, &b""[..])].into_iter().chain([(0, &b""[..]); 6000]).collect();
    check(&empty, 1008).await;
}

#[tokio::test(start_paused = true)]
async fn an_unmasked_frame_breaks_the_protocol() {
    use tokio::io::AsyncWriteExt as _;
    let mut client = Client::of_echo(rules(), 1 << 10);
    client.io.write_all(&[FINAL | TEXT, 1, b'x']).await.expect("it is read");
    assert_eq!(client.receive().await.expect("a frame").code(), Some(1002));
}

#[tokio::test(start_paused = true)]
async fn the_close_frame_of_a_client_is_answered_with_its_code() {
    let check = async |payload: &[u8], expected: Option<u16>| {
        let (code, end) =
            closed_by(&[(FINAL | TEXT, b"last words"), (FINAL | CLOSE, payload)]).await;
        assert_eq!(code, expected, "{payload:?}");
        assert!(matches!(end, End::Closed(_)), "{end:?}");
    };
    check(b"", None).await;
    check(&[0x03, 0xE8], Some(1000)).await;
    check(b"\x03\xE9going away", Some(1001)).await;
    check(&[0x0B, 0xB8], Some(3000)).await;
    // A code that no client may send.
    check(&[0x03, 0xED], Some(1002)).await;
}

#[tokio::test(start_paused = true)]
async fn the_server_waits_for_the_answer_to_its_close_frame() {
    let mut client = Client::of_echo(rules(), 1 << 10);
    client.send(FINAL | TEXT, b"close").await;
    let close = client.receive().await.expect("a close frame");
    assert_eq!(close.code(), Some(1001));
    assert_eq!(&close.payload[2..], b"the server stops");
    let begun = Instant::now();
    // What crosses the close frame on the wire is nothing wrong.
    client.send(FINAL | TEXT, b"crossing").await;
    client.send(FINAL | CLOSE, &close.payload).await;
    assert!(client.receive().await.is_none(), "nothing follows a close frame");
    assert_eq!(begun.elapsed(), Duration::ZERO, "it waits for the answer, not for the limit");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_a_close_frame_is_left_in_time() {
    let mut client = Client::of_echo(rules(), 1 << 10);
    client.send(FINAL | TEXT, b"close").await;
    assert_eq!(client.receive().await.expect("a close frame").code(), Some(1001));
    at_most(rules().close_timeout * 2, client.receive()).await;
    at_most(Duration::from_millis(1), client.server).await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_is_gone() {
    let client = Client::of_echo(rules(), 1 << 10);
    assert_eq!(client.ended().await, End::Gone);
    let mut client = Client::of_echo(rules(), 1 << 10);
    client.send(TEXT, b"half a mess").await;
    assert_eq!(client.ended().await, End::Gone);
}
