//! A client of HTTP/2 that asks for much and reads nothing: what the server holds for it is bounded.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use node0_http_server::{Listener, Shutdown, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

const STREAMS: u32 = 100;
/// A part of a body.
const PART: usize = 1024;
/// The bytes that the pipe to the client takes.
const PIPE: usize = 64 * 1024;
/// The time that an unread response is kept in a test.
const LIMIT: Duration = Duration::from_millis(100);
/// Longer than anything in a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gives the server one connection.
struct Once(Option<DuplexStream>);

impl Listener for Once {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.take() {
            Some(io) => Ok(io),
            None => pending().await,
        }
    }
}

/// Returns a frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The largest window.
const MOST: u32 = (1 << 31) - 1;

/// Returns the beginning of a connection that grants each response so many bytes, and all of them
/// together the most, and a number of requests.
fn requests(count: u32, window: u32) -> Vec<u8> {
    let initial_window = 4_u16.to_be_bytes();
    let settings = [&initial_window[..], &window.to_be_bytes()].concat();
    // `GET`, `http`, `/` of the static table, and a literal for the authority.
    let head = [0x82, 0x86, 0x84, 0x41, 1, b'a'];
    let asked = (0..count).flat_map(|place| frame(1, 5, 2 * place + 1, &head));
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &settings));
    bytes.extend(grant(0, MOST - 65_535));
    bytes.extend(asked);
    bytes
}

/// Returns the frame that grants a response more bytes.
fn grant(stream: u32, bytes: u32) -> Vec<u8> {
    frame(8, 0, stream, &bytes.to_be_bytes())
}

// Paused time goes on only when there is nothing left to do.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_held_two_megabytes_at_most() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let endless = get(async move || {
        Body::from_stream(stream::repeat_with(move || {
            counted.fetch_add(PART, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[b'x'; PART]))
        }))
    });
    let (mut client, server) = duplex(PIPE);
    let shutdown = Shutdown::new();
    let app = Router::new().route("/", endless);
    let server = tokio::spawn(serve(Once(Some(server)), app).shutdown(&shutdown).run());

    client.write_all(&requests(STREAMS, MOST)).await.expect("it is read");
    sleep(Duration::from_secs(1)).await;
    let held = made.load(Ordering::Relaxed);
    assert!(held > PIPE, "{held} bytes: too few for all to have begun");
    assert!(held < 2_000_000, "{held} bytes");
    drop(client);
    shutdown.abort();
    server.await.expect("no panic");
}

/// Serves an app on one connection, whose unread responses are given up after a tenth of a second.
fn start(app: Router) -> (DuplexStream, Shutdown) {
    let (client, server) = duplex(PIPE);
    let shutdown = Shutdown::new();
    let server = serve(Once(Some(server)), app).shutdown(&shutdown);
    tokio::spawn(server.idle_timeout(LIMIT).run());
    (client, shutdown)
}

/// Reads until the server closes the connection; answers nothing, and says that it lives.
async fn read_to_the_end(mut client: DuplexStream) -> Vec<u8> {
    let ping = frame(6, 0, 0, b"12345678");
    let mut read = Vec::new();
    let all = async {
        loop {
            tokio::select! {
                count = client.read_buf(&mut read) => match count {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                },
                () = sleep(LIMIT / 4) => {
                    let _ = client.write_all(&ping).await;
                }
            }
        }
    };
    timeout(PATIENCE, all).await.expect("it is closed");
    read
}

#[tokio::test]
async fn a_client_that_grants_nothing_is_given_up_although_it_pings() {
    let (mut client, shutdown) = start(Router::new().route("/", get(async || "unwanted")));
    client.write_all(&requests(1, 0)).await.expect("it is read");
    let read = read_to_the_end(client).await;
    let has_body = read.windows(8).any(|part| part == b"unwanted");
    assert!(read.len() > 9 && !has_body, "a head and no body: {read:?}");
    shutdown.abort();
}

#[tokio::test]
async fn a_response_that_waits_for_the_service_is_not_given_up() {
    let slow = get(async || {
        let parts = stream::iter(["slow", "ly", "done"]);
        Body::from_stream(parts.then(async |part| {
            sleep(LIMIT * 2).await;
            Ok::<_, Infallible>(part)
        }))
    });
    let (mut client, shutdown) = start(Router::new().route("/", slow));
    client.write_all(&requests(1, MOST)).await.expect("it is read");
    let read = read_to_the_end(client).await;
    for part in ["slow", "ly", "done"] {
        assert!(read.windows(part.len()).any(|it| it == part.as_bytes()), "{part}: {read:?}");
    }
    shutdown.abort();
}

#[tokio::test]
async fn a_client_that_grants_byte_by_byte_gets_all() {
    let wanted = get(async || {
        let parts = b"wanted".map(|byte| Ok::<_, Infallible>(vec![byte]));
        Body::from_stream(stream::iter(parts))
    });
    let (mut client, shutdown) = start(Router::new().route("/", wanted));
    client.write_all(&requests(1, 0)).await.expect("it is read");
    // The last grant is for the end.
    for _ in 0..="wanted".len() {
        sleep(LIMIT / 2).await;
        client.write_all(&grant(1, 1)).await.expect("it is not given up");
    }
    let read = read_to_the_end(client).await;
    for byte in b"wanted" {
        let part = frame(0, 0, 1, &[*byte]);
        assert!(read.windows(part.len()).any(|it| it == part), "{byte}: {read:?}");
    }
    assert!(read.windows(9).any(|it| it == frame(0, 1, 1, b"")), "no end: {read:?}");
    shutdown.abort();
}
