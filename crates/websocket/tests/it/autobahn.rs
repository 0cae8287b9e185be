//! Autobahn's test suite against a server that returns each message.
//!
//! `cargo xtask prove autobahn` runs all cases but those of compression, which is not supported; a
//! test run has those of fragments and of closing.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version};
use node0_websocket::{Event, Handshake, Rules, Socket};
use serde_json::json;
use testbed::autobahn::{self, CaseResult};
use testbed::prove::{self, Length};
use testbed::tools;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The cases of compression.
const COMPRESSION: [&str; 2] = ["12.*", "13.*"];

/// The limits, with room for the largest message of the cases.
static RULES: Rules = Rules { max_message: 16 << 20, ..Rules::DEFAULT };

/// Accepts connections until the runtime ends.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client may leave in the middle of a handshake.
        tokio::spawn(async { upgrade(stream).await });
    }
}

/// Answers the handshake and returns each message to its sender.
async fn upgrade(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let headers = read_head(&mut stream).await?;
    let handshake = Handshake::check(&Method::GET, Version::HTTP_11, &headers);
    let response = handshake.map_err(io::Error::other)?.response(());
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in response.headers() {
        let name: &[u8] = name.as_ref();
        head.extend([name, b": ", value.as_bytes(), b"\r\n"].concat());
    }
    stream.write_all(&[&head, &b"\r\n"[..]].concat()).await?;
    let read_beyond = Bytes::copy_from_slice(stream.buffer());
    echo(Socket::new(stream.into_inner(), read_beyond, &RULES)).await;
    Ok(())
}

/// Returns each message before it reads the next one.
async fn echo(mut socket: Socket<TcpStream>) {
    let end = loop {
        match socket.event().await {
            Ok(Event::Text(text)) => socket.send_text(text.as_bytes()),
            Ok(Event::Binary(bytes)) => socket.send_binary(&bytes),
            Ok(_) => continue,
            Err(end) => break end,
        }
        while !socket.is_free() {
            match socket.event().await {
                Ok(Event::Sent | Event::Control) => {}
                other => panic!("a case sent a message before it had the last: {other:?}"),
            }
        }
    };
    socket.finish(end).await;
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { return Ok(headers) };
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_suite_finds_nothing_wrong() {
    let tool = testbed::require!(tools::autobahn());
    let cases = Length::of_this_run().pick(&["5.*", "7.*"][..], &["*"][..]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("its address"));
    tokio::spawn(serve(listener));
    let run = move || autobahn::run(&tool, &url, cases, &COMPRESSION, 600);
    let results = tokio::task::spawn_blocking(run).await.expect("no panic");
    let results = results.unwrap_or_else(|error| panic!("{error}"));
    let bad: BTreeMap<&str, &CaseResult> = results
        .iter()
        .filter(|(_, result)| !result.is_good())
        .map(|(case, result)| (case.as_str(), result))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let expected = Length::of_this_run().pick(57, 301);
    assert_eq!(results.len(), expected);
    let strict = results.values().filter(|result| result.behavior == "OK").count();
    prove::report(&json!({ "cases": results.len(), "strictlyOk": strict })).expect("figures");
}
